"""Tests of slugs, codes and short texts."""

import unittest

from django.test import SimpleTestCase

from shop import text


class UniqueSlugTests(SimpleTestCase):
    def test_a_free_slug_is_used_as_it_is(self):
        self.assertEqual(text.unique_slug("Blue Mug", set()), "blue-mug")

    def test_a_taken_slug_gets_a_number(self):
        self.assertEqual(text.unique_slug("Blue Mug", {"blue-mug"}), "blue-mug-2")

    def test_the_number_rises_until_the_slug_is_free(self):
        taken = {"mug", "mug-2", "mug-3"}
        self.assertEqual(text.unique_slug("Mug", taken), "mug-4")

    def test_a_name_without_letters_becomes_item(self):
        self.assertEqual(text.unique_slug("!!!", set()), "item")


class MaskEmailTests(SimpleTestCase):
    def test_only_the_first_letter_remains(self):
        self.assertEqual(text.mask_email("ada@example.com"), "a***@example.com")

    def test_a_text_without_at_sign_is_refused(self):
        with self.assertRaises(ValueError):
            text.mask_email("nobody")

    def test_an_empty_local_part_is_refused(self):
        with self.assertRaises(ValueError):
            text.mask_email("@example.com")


class CodeTests(SimpleTestCase):
    def test_codes_are_written_in_capitals(self):
        self.assertEqual(text.normalise_code("spring24"), "SPRING24")

    def test_spaces_are_removed_from_codes(self):
        self.assertEqual(text.normalise_code(" spring 24\t"), "SPRING24")

    @unittest.expectedFailure
    def test_dashes_are_removed_from_codes(self):
        self.assertEqual(text.normalise_code("spring-24"), "SPRING24")


class EanTests(SimpleTestCase):
    def test_a_known_number_is_valid(self):
        self.assertTrue(text.is_valid_ean("4006381333931"))

    def test_a_swapped_digit_is_found(self):
        self.assertFalse(text.is_valid_ean("4006381333391"))

    def test_short_numbers_are_not_valid(self):
        self.assertFalse(text.is_valid_ean("400638133393"))

    def test_letters_are_not_valid(self):
        self.assertFalse(text.is_valid_ean("40063813339AB"))

    def test_the_check_digit_may_be_zero(self):
        self.assertEqual(text.ean_check_digit("000000000000"), 0)

    def test_the_check_digit_needs_twelve_digits(self):
        with self.assertRaisesMessage(ValueError, "twelve digits"):
            text.ean_check_digit("123")
