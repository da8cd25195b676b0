"""Offer the photon engine as a service with the interface of SlideRule's Python client."""
