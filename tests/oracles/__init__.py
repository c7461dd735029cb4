"""What the simulation is judged by: theory and independent implementations, none of which imports the project."""
