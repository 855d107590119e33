"""Expected figures of each synthesizer and the ranking made of them; imports schemas, synthesizers and results."""
