"""What is said of a table: labels that name nobody, and a handle that shows nothing; imports the errors beside it."""
