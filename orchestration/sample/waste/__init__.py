"""What the sample organisation pays for and does not need, with the utilisation and the inventory that show it."""

from .forgotten import forgotten
from .planted import Plan, Role, planted
from .writing import write_waste

__all__ = ["Plan", "Role", "forgotten", "planted", "write_waste"]
