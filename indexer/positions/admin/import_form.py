"""The form that takes a watch list."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from indexer.positions.watchlist import MAX_LABEL


class ImportForm(forms.Form):
    """The list as a file: what is pasted comes as a file, too, since a form's text fields are kept small."""

    file = forms.FileField(required=False)
    pasted = forms.FileField(required=False, allow_empty_file=True)
    source = forms.CharField(
        initial="default",
        max_length=MAX_LABEL,
        help_text="Who says so. A list replaces only what its own source said before.",
        widget=UnfoldAdminTextInputWidget,
    )
    prune = forms.BooleanField(
        required=False,
        label="Disable what this source names no more",
        help_text="Jobs that the source named before and that no list names now are disabled.",
        widget=UnfoldBooleanSwitchWidget,
    )
    agreed = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        super().clean()
        found: dict[str, Any] = self.cleaned_data
        given = [file for file in (found.get("file"), found.get("pasted")) if file]
        if len(given) != 1 and not self.errors:
            said = "Choose a file or paste a list, not both." if given else "Choose a file, or paste a list."
            raise forms.ValidationError(said)
        found["content"] = read(given[0]) if given else b""
        return found


def read(file: UploadedFile) -> bytes:  # type: ignore[type-arg]  # generic only in the stubs
    file.seek(0)
    content: bytes = file.read()
    return content
