"""Forms of the support desk."""

from django import forms

from support.models import Department


class ContactForm(forms.Form):
    department = forms.ModelChoiceField(Department.objects.all(), to_field_name="code")
    subject = forms.CharField(max_length=200)
    body = forms.CharField(widget=forms.Textarea)

    def clean_subject(self) -> str:
        subject = self.cleaned_data["subject"].strip()
        if subject.isupper():
            raise forms.ValidationError("Please do not shout.")
        return subject
