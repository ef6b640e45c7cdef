"""How does somebody else's training get its verdict? Programs, models, histories, and the live callback."""
