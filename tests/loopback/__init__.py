"""Servers on 127.0.0.1 that speak OpenRouter's and Ollama's wire formats, scripted with a queue of faults."""
