"""AWS Certificate Manager: imported certificates, and ones issued by this machine's own authority."""

from klotho.localcloud.services.acm.service import AcmService
from klotho.localcloud.services.acm.store import Certificates

__all__ = ["AcmService", "Certificates"]
