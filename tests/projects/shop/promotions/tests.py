"""Tests of promotions and coupons."""

from datetime import timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.test import SimpleTestCase, TestCase, skipUnlessDBFeature

from promotions.models import Coupon, Promotion
from promotions.services import CouponError, best_promotion, discount, redeem
from shop.factories import make_category, make_order, make_product, make_user, utc
from shop.tests.mixins import AdminPagesMixin

START = utc(2024, 5, 1)
END = utc(2024, 6, 1)
Kind = Promotion.Kind


def make_promotion(value="10", kind=Kind.PERCENT, **values):
    values = {"name": "Spring", "starts_at": START, "ends_at": END, **values}
    return Promotion.objects.create(kind=kind, value=Decimal(value), **values)


class DiscountTests(SimpleTestCase):
    def check(self, kind, value, total, expected):
        promotion = Promotion(kind=kind, value=Decimal(value))
        self.assertEqual(discount(promotion, Decimal(total)), Decimal(expected))

    def test_a_percentage_is_taken_off(self):
        self.check(Kind.PERCENT, "15", "20.00", "3.00")

    def test_a_fixed_amount_is_taken_off(self):
        self.check(Kind.FIXED, "5", "20.00", "5.00")

    def test_no_discount_is_higher_than_the_total(self):
        self.check(Kind.FIXED, "50", "20.00", "20.00")
        self.check(Kind.PERCENT, "150", "20.00", "20.00")

    def test_free_shipping_takes_nothing_off(self):
        self.check(Kind.FREE_SHIPPING, "0", "20.00", "0.00")


class ActiveTests(TestCase):
    def active(self, moment):
        return Promotion.objects.active_at(moment).exists()

    def test_a_promotion_starts_on_time(self):
        make_promotion()
        self.assertFalse(self.active(START - timedelta(seconds=1)))
        self.assertTrue(self.active(START))

    def test_a_promotion_ends_on_time(self):
        make_promotion()
        self.assertTrue(self.active(END - timedelta(seconds=1)))
        self.assertFalse(self.active(END))

    def test_a_promotion_without_end_goes_on(self):
        make_promotion(ends_at=None)
        self.assertTrue(self.active(END + timedelta(days=3650)))

    def test_a_promotion_can_be_switched_off(self):
        make_promotion(is_enabled=False)
        self.assertFalse(self.active(START))

    @skipUnlessDBFeature("supports_table_check_constraints")
    def test_the_database_refuses_an_end_before_the_start(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            make_promotion(ends_at=START - timedelta(days=1))


class BestPromotionTests(TestCase):
    def test_the_highest_discount_wins(self):
        make_promotion("10")
        fixed = make_promotion("5", Kind.FIXED)
        self.assertEqual(best_promotion(Decimal("20.00"), START), fixed)

    def test_the_winner_depends_on_the_total(self):
        percent = make_promotion("10")
        make_promotion("5", Kind.FIXED)
        self.assertEqual(best_promotion(Decimal("200.00"), START), percent)

    def test_there_may_be_no_promotion(self):
        self.assertIsNone(best_promotion(Decimal("20.00"), START))

    def test_a_rule_asks_for_a_total(self):
        promotion = make_promotion()
        promotion.rules.create(min_total=Decimal("50.00"), category=make_category())
        self.assertIsNone(best_promotion(Decimal("49.99"), START))
        self.assertEqual(best_promotion(Decimal("50.00"), START), promotion)

    def test_products_know_their_promotions(self):
        promotion, product = make_promotion(), make_product()
        promotion.products.add(product)
        self.assertEqual(list(product.promotions.all()), [promotion])

    def test_conditions_are_searched_by_list_member(self):
        make_promotion(conditions={"days": {"monday": True}})
        self.assertEqual(Promotion.objects.filter(conditions__days__monday=True).count(), 1)


class CouponTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.user = make_user()
        cls.coupon = Coupon.objects.create(promotion=make_promotion(), code="SPRING")

    def test_a_coupon_is_redeemed(self):
        order = make_order(self.user)
        self.assertEqual(redeem("SPRING", self.user, START, order).order, order)

    def test_the_spelling_of_a_code_does_not_matter(self):
        self.assertEqual(redeem(" spr ing", self.user, START).coupon, self.coupon)

    def test_an_unknown_code_is_refused(self):
        with self.assertRaisesMessage(CouponError, "no such coupon"):
            redeem("AUTUMN", self.user, START)

    def test_a_coupon_ends_with_its_promotion(self):
        with self.assertRaisesMessage(CouponError, "not active"):
            redeem("SPRING", self.user, END)

    def test_a_coupon_is_redeemed_once_by_a_user(self):
        redeem("SPRING", self.user, START)
        with self.assertRaisesMessage(CouponError, "before"):
            redeem("SPRING", self.user, START)

    def test_two_users_redeem_the_same_coupon(self):
        redeem("SPRING", self.user, START)
        redeem("SPRING", make_user(), START)
        self.assertEqual(self.coupon.redeemers.count(), 2)

    def test_a_coupon_can_be_used_up(self):
        Coupon.objects.update(usage_limit=1)
        redeem("SPRING", self.user, START)
        with self.assertRaisesMessage(CouponError, "used up"):
            redeem("SPRING", make_user(), START)

    def test_the_database_keeps_redemptions_unique(self):
        self.coupon.redemptions.create(user=self.user)
        with self.assertRaises(IntegrityError), transaction.atomic():
            self.coupon.redemptions.create(user=self.user)

    def test_coupons_go_with_their_promotion(self):
        self.coupon.promotion.delete()
        self.assertFalse(Coupon.objects.exists())


class PromotionAdminTests(AdminPagesMixin, TestCase):
    model = Promotion


class CouponAdminTests(AdminPagesMixin, TestCase):
    model = Coupon
