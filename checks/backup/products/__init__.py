"""The products, a folder each: how the estate says where one is, and how it is read into an `Account`."""

from __future__ import annotations

from checks.backup.products.veeam.options import VeeamOptions

ProductOptions = VeeamOptions
