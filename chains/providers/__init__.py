"""How OpenRouter and Ollama are asked; imports schemas and limits."""
