"""The pictures of a lot as its host sees them: add, describe, put in order, take away.

A browser with scripts sends each file by a signed form and asks what became of it; one without sends the page's form.
"""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from auctions import services, uploads
from auctions.errors import Refused
from auctions.media import ACCEPTED_TYPES, MAX_UPLOAD_BYTES
from auctions.models import Lot, LotImage, LotStatus
from auctions.selectors import lot_for_host, upload_for_host
from auctions.upload_forms import FormRefused, check_local_form, upload_form

_FORM_BYTES = 64 * 1024
"""What a form may be longer than its file."""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def lot_pictures(request: HttpRequest, lot_id: int) -> HttpResponse:
    """Show the pictures of a lot, and change them."""
    lot = _managed(request, lot_id)
    error = None
    if request.method == "POST":
        try:
            if "add" in request.POST:
                _add(request, lot)
            else:
                _arrange(request, lot)
            return redirect("host_lot_pictures", lot_id=lot.pk)
        except Refused as refused:
            error = refused.message
    context: dict[str, Any] = {
        "lot": lot,
        "images": list(lot.images.all()),
        "error": error,
        "adding": "add" in request.POST,
        "is_closed": lot.status in (LotStatus.SOLD, LotStatus.PASSED, LotStatus.WITHDRAWN),
        "is_pending": lot.status == LotStatus.PENDING,
        "accepted": ",".join(ACCEPTED_TYPES),
        "most_bytes": MAX_UPLOAD_BYTES,
        "most": services.MAX_PICTURES,
    }
    return render(request, "auctions/lot_pictures.html", context, status=422 if error else 200)


@login_required
@require_POST
def upload_new(request: HttpRequest, lot_id: int) -> JsonResponse:
    """Make room for one file of a lot, and return the form to send it with."""
    assert isinstance(request.user, User)
    lot = _managed(request, lot_id)
    kind, alt = request.POST.get("content_type", ""), request.POST.get("alt", "")
    try:
        upload = uploads.upload_begin(actor=request.user, lot=lot, content_type=kind, alt=alt)
    except Refused as refused:
        return JsonResponse({"code": refused.code, "message": refused.message}, status=422)
    form = upload_form(upload)
    address = reverse("host_upload", args=(upload.pk,))
    return JsonResponse({"upload": address, "url": form.url, "fields": form.fields}, status=201)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def upload_state(request: HttpRequest, upload_id: int) -> JsonResponse:
    """Say what became of an upload; a POST says that its file was sent."""
    assert isinstance(request.user, User)
    upload = upload_for_host(request.user, upload_id)
    if upload is None:
        raise Http404
    if request.method == "POST":
        upload = uploads.upload_claim(actor=request.user, upload=upload)
    return JsonResponse({"status": upload.status, "message": upload.message})


@csrf_exempt  # as at S3: the signed form is what allows it, whoever holds it
@require_POST
def upload_local(request: HttpRequest) -> HttpResponse:
    """Take a file in as S3 would, where pictures are kept on this machine."""
    try:
        # Before anything is read of it.
        length = str(request.META.get("CONTENT_LENGTH") or 0)
        if not length.isdecimal() or int(length) > MAX_UPLOAD_BYTES + _FORM_BYTES:
            raise FormRefused("EntityTooLarge", 400)
        files = request.FILES.getlist("file")
        if len(files) != 1 or len(request.FILES) != 1:
            raise FormRefused("InvalidArgument", 400)
        if any(len(values) != 1 for _name, values in request.POST.lists()):
            raise FormRefused("AccessDenied", 403)
        key = check_local_form(request.POST.dict(), files[0].size or 0)
    except FormRefused as refused:
        error = f"<Error><Code>{refused.code}</Code></Error>"
        return HttpResponse(error, content_type="application/xml", status=refused.status)
    uploads.raw_files().save(key, files[0])
    return HttpResponse(status=201)


def _managed(request: HttpRequest, lot_id: int) -> Lot:
    lot = lot_for_host(request.user, lot_id)
    if lot is None:
        raise Http404
    return lot


def _add(request: HttpRequest, lot: Lot) -> None:
    assert isinstance(request.user, User)
    files = request.FILES.getlist("file")
    if not files:
        raise Refused("required", _("Choose a picture."), field="file")
    for file in files:
        try:
            services.lot_image_add(actor=request.user, lot=lot, upload=file, alt=request.POST.get("alt", "")[:200])
        except Refused as refused:
            raise Refused(refused.code, f"{file.name}: {refused.message}", field="file") from None
    messages.success(request, _("Saved."))


def _arrange(request: HttpRequest, lot: Lot) -> None:
    """Describe every picture as it was written, and do what the button says with one of them."""
    assert isinstance(request.user, User)
    for image in lot.images.all():
        alt = request.POST.get(f"alt-{image.pk}", image.alt)
        if alt.strip() != image.alt:
            services.lot_image_update(actor=request.user, image=image, alt=alt, position=image.position)
    if "earlier" in request.POST:
        services.lot_image_move(actor=request.user, image=_pressed(request, lot, "earlier"), by=-1)
    elif "later" in request.POST:
        services.lot_image_move(actor=request.user, image=_pressed(request, lot, "later"), by=1)
    elif "remove" in request.POST:
        services.lot_image_remove(actor=request.user, image=_pressed(request, lot, "remove"))
    messages.success(request, _("Saved."))


def _pressed(request: HttpRequest, lot: Lot, name: str) -> LotImage:
    pk = request.POST[name]
    if not (pk.isascii() and pk.isdecimal() and len(pk) < 19):
        raise Http404
    return get_object_or_404(lot.images, pk=int(pk))
