"""What stands beside the code of a unit: docs/annotations.md of Klotho says what each file does."""
