"""Copulas: marginals of their own, tied together by a correlation."""
