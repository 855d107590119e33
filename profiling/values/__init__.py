"""What the cells of a column say, the same from every source: missing or not, number, date, label; imports schemas."""
