"""Models to and from the layouts that others read."""

from workbench.exchange.encoders import import_encoder, load, load_encoder
from workbench.exchange.export import export

__all__ = ["export", "import_encoder", "load", "load_encoder"]
