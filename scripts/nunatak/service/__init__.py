"""The photon engine as a service, in the words of SlideRule's Python client."""
