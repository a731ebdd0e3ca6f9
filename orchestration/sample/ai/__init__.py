"""How the sample organisation uses models of OpenAI, Anthropic and Bedrock, and what that costs."""

from .deliveries import apply_ai_restatement, write_ai
from .settings import ai_settings

__all__ = ["ai_settings", "apply_ai_restatement", "write_ai"]
