"""Value protection: nothing that fewer than k persons hold enters a fit; imports encoding and schemas."""
