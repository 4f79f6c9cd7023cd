// What a budget decides, as a table: one line per command, ending in its expected status and figures. Table.cs explains the language.
using System.Text.Json.Serialization;

namespace Purser.Core.Tests;

public sealed class DecisionTable
{
    static readonly Dictionary<string, string> rules = new()
    {
        ["A_settlement_of_exactly_the_estimate_moves_it_from_held_to_settled"] = """
            policy day tokens/day 1000; calls requests/day 10                => done version=1
            reserve h in=100 max=300                                        => done state=active tokens=400 day=0/400 calls=0/1 day.remaining=600 events=Held
            settle h u in=100 out=300                                       => done tokens=400 late=no overrun=no day=400/0 calls=1/0
            get h                                                           => done state=settled
            """,
        ["A_settlement_of_less_gives_the_rest_back"] = """
            policy day tokens/day 1000                                      => done
            reserve h tokens=400                                            => done day=0/400
            settle h u in=100 out=50                                        => done tokens=150 overrun=no day=150/0 day.remaining=850
            """,
        ["A_settlement_of_more_is_booked_whole_and_later_calls_pay"] = """
            policy day tokens/day 1000                                      => done
            reserve h tokens=900                                            => done
            settle h u in=1200 out=300                                      => done tokens=1500 overrun=yes late=no day=1500/0 day.remaining=0 day.used=150 day.status=exceeded
            reserve g tokens=1                                              => refused blocked=day
            reserve g tokens=0                                              => done day=1500/0
            """,
        ["A_settlement_after_expiry_is_booked_and_marked_late"] = """
            policy day tokens/day 1000                                      => done
            reserve h tokens=400 ttl=60                                     => done expires=2026-03-02T10:01
            wait 59s
            tick                                                            => done events=none
            wait 1s
            tick                                                            => done events=Expired day=0/0
            get h                                                           => done state=expired
            settle h u in=100 out=50                                        => done late=yes tokens=150 day=150/0
            get h                                                           => done state=settled
            """,
        ["A_hold_expires_in_the_step_that_settles_it_too_late"] = """
            policy day tokens/day 1000                                      => done
            reserve h tokens=400 ttl=60                                     => done
            wait 60s
            settle h u in=100 out=50                                        => done late=yes day=150/0 events=Expired,Settled
            """,
        ["A_settlement_after_release_is_booked_and_marked_late"] = """
            policy day tokens/day 1000                                      => done
            reserve h tokens=400                                            => done
            release h                                                       => done state=released day=0/0 events=Released
            release h                                                       => done state=released events=none
            settle h u in=100 out=50                                        => done late=yes day=150/0
            settle h u2 in=100 out=50                                       => conflict
            """,
        ["Each_of_several_answers_may_have_as_much_as_is_usual"] = """
            policy out outputTokens/day 1000 with max=100                   => done
            reserve h in=10 answers=3                                       => done tokens=310 out=0/300
            reserve g in=10 answers=3 max=50                                => done tokens=60 out=0/350
            reserve f in=10 answers=0                                       => invalid answers
            reserve f in=10 answers=10001                                   => invalid answers
            reserve f in=10 answers=7                                       => refused blocked=out
            """,
        ["A_hold_is_settled_in_parts_and_its_request_once"] = """
            policy day tokens/day 1000; calls requests/day 10; in inputTokens/day 1000; out outputTokens/day 1000 => done
            reserve h in=200 max=200                                        => done day=0/400 calls=0/1 in=0/200 out=0/200
            settle h u1 in=200 out=50 partial                               => done day=250/150 calls=1/0 in=200/0 out=50/150
            settle h u2 out=50 partial                                      => done day=300/100 calls=1/0 out=100/100
            get h                                                           => done state=active
            settle h u3 out=20                                              => done day=320/0 calls=1/0 out=120/0
            settle h u4 out=20                                              => conflict
            settle h u1 in=200 out=50 partial                               => done tokens=250 events=none
            """,
        ["A_call_is_paid_out_of_what_was_lent_and_gives_back_what_it_does_not_use"] = """
            policy day tokens/day 1000; calls requests/day 10                => done
            reserve lent tokens=600                                         => done day=0/600 calls=0/1
            reserve other tokens=400                                        => done day=0/1000
            reserve one in=100 max=200 from=lent                            => done tokens=300 day=0/1000 calls=0/2 events=Held
            reserve two in=100 max=201 from=lent                            => refused field=from suggest=max:200
            reserve two in=100 max=200 from=lent                            => done day=0/1000 calls=0/3
            settle one u1 in=100 out=50                                     => done tokens=150 overrun=no day=150/850 calls=1/2
            reserve three in=100 max=50 from=lent                           => done day=150/850
            release three                                                   => done day=150/850
            reserve four in=100 max=51 from=lent                            => refused field=from
            settle two u2 in=100 out=200                                    => done day=450/550
            release lent                                                    => done state=released day=450/400 events=Released
            reserve five tokens=1 from=lent                                 => refused field=from
            reserve six tokens=1 from=nobody                                => not-found field=from
            """,
        ["A_call_that_outlives_what_was_lent_gives_its_rest_back_to_the_limits"] = """
            policy day tokens/day 1000                                      => done
            reserve lent tokens=600                                         => done
            reserve one in=100 max=200 from=lent                            => done day=0/600
            release lent                                                    => done day=0/300
            settle one u1 in=100 out=50                                     => done day=150/0
            """,
        ["What_a_call_uses_beyond_its_estimate_is_paid_from_the_rest_that_was_lent"] = """
            policy day tokens/day 1000                                      => done
            reserve lent tokens=600                                         => done
            reserve one in=100 max=100 from=lent                            => done day=0/600
            settle one u1 in=100 out=250                                    => done overrun=yes day=350/250
            reserve two tokens=251 from=lent                                => refused field=from
            reserve two tokens=250 from=lent                                => done day=350/250
            extend two e1 tokens=1                                          => refused field=from
            settle two u2 unknown                                           => done day=600/0
            """,
        ["Limits_that_only_the_call_falls_under_admit_it_for_themselves"] = """
            policy day tokens/day 1000; big tokens/day 100 match model=big; money cost/day 1 => done
            reserve lent tokens=600 model=small                             => done day=0/600 big=0/0
            reserve one in=50 max=51 model=big provider=openai from=lent    => refused blocked=big
            reserve one in=50 max=25 model=big provider=openai from=lent    => done day=0/600 big=0/75
            reserve two in=50 max=25 model=wise from=lent                   => refused field=from
            """,
        ["What_a_call_gives_back_in_the_moment_in_which_what_was_lent_ends_is_charged"] = """
            policy day tokens/day 1000                                      => done
            reserve lent tokens=1000 ttl=60                                 => done
            refuse-settle lent                                              => invalid raw events=SettleRefused
            reserve one tokens=400 ttl=30 from=lent                         => done day=0/1000
            wait 61s
            tick                                                            => done day=1000/0
            get lent                                                        => done state=charged
            """,
        ["A_call_that_is_paid_for_is_told_what_both_the_lender_and_the_limits_have"] = """
            policy day tokens/day 1000; out outputTokens/day 150 match model=big => done
            reserve lent tokens=600                                         => done day=0/600
            reserve one in=100 max=700 model=big provider=openai from=lent  => refused field=from suggest=max:150
            record u in=700                                                 => done day=700/600
            reserve one in=100 max=700 model=big provider=openai from=lent  => refused field=from suggest=none
            """,
        ["A_call_that_is_paid_for_waits_no_longer_than_what_pays_lasts"] = """
            policy day tokens/day 1000                                      => done
            reserve lent tokens=600 ttl=3600                                => done
            reserve other tokens=100 ttl=600                                => done
            record u in=350                                                 => done day=350/700
            reserve one tokens=200 from=lent                                => refused day.retry=600
            reserve short tokens=1                                          => refused day.retry=600
            release other                                                   => done
            reserve long tokens=200 ttl=7200 from=lent                      => done day=350/600
            record v in=100                                                 => done day=450/600
            # What the call has returns to what lent it only where that lasts longer.
            reserve more tokens=500                                         => refused day.retry=7200
            reserve two tokens=10 from=lent                                 => refused day.retry=never
            """,
        ["What_was_lent_ends_by_its_time_without_what_its_calls_have"] = """
            policy day tokens/day 1000 with expiry=charge                   => done
            reserve lent tokens=600 ttl=60                                  => done
            reserve one in=100 max=100 ttl=600 from=lent                    => done day=0/600
            wait 60s
            tick                                                            => done day=400/200 events=Expired
            settle one u1 in=100 out=20                                     => done day=520/0
            """,
        ["What_returns_over_midnight_stands_in_the_window_of_the_call"] = """
            policy day tokens/day 1000                                      => done
            at 2026-03-02T23:59
            reserve lent tokens=600 ttl=3600                                => done day=0/600
            at 2026-03-03T00:01
            reserve one in=100 max=200 from=lent                            => done day=0/300
            settle one u1 in=50 out=50                                      => done day=100/200
            # The oldest of it goes first: 300 were held yesterday.
            reserve two in=100 max=200 from=lent                            => done day=100/500
            release two                                                     => done day=100/500
            release lent                                                    => done day=100/0
            """,
        ["A_part_larger_than_the_hold_takes_no_more_than_was_held"] = """
            policy day tokens/day 1000                                      => done
            reserve h tokens=100                                            => done
            reserve other tokens=100                                        => done day=0/200
            settle h u1 in=300 partial                                      => done overrun=yes day=300/100
            settle h u2 in=1                                                => done day=301/100
            """,
        ["Plain_tokens_settled_in_parts_leave_nothing_held"] = """
            policy day tokens/day 1000; in inputTokens/day 1000; out outputTokens/day 1000 => done
            reserve h tokens=300                                            => done day=0/300 in=0/300 out=0/300
            settle h u1 in=100 out=10 partial                               => done day=110/190 in=100/200 out=10/290
            settle h u2 in=5 out=5                                          => done day=120/0 in=105/0 out=15/0
            """,
        ["A_hold_released_after_parts_keeps_what_was_booked"] = """
            policy day tokens/day 1000                                      => done
            reserve h tokens=300                                            => done
            settle h u1 in=100 partial                                      => done day=100/200
            release h                                                       => done state=released day=100/0
            settle h u2 in=50 partial                                       => done late=yes day=150/0
            settle h u3 in=50                                               => done late=yes day=200/0
            release h                                                       => conflict
            """,
        ["An_unknown_outcome_books_the_larger_of_estimate_and_usage"] = """
            policy day tokens/day 1000; money cost/day 1; calls requests/day 5 => done
            reserve h in=100 max=200 model=small                            => done cost=0.0005 day=0/300 money=0/0.0005
            settle h u in=100 out=20 unknown                                => done tokens=300 cost=0.0005 day=300/0 money=0.0005/0 calls=1/0
            get h                                                           => done state=charged
            release h                                                       => conflict
            settle h u2 in=100 out=20 partial                               => conflict
            settle h u2 unknown                                             => conflict
            settle h u2 in=100 out=50                                       => done tokens=-150 cost=-0.0003 late=yes overrun=no day=150/0 money=0.0002/0 calls=1/0
            get h                                                           => done state=settled
            """,
        ["Tokens_that_are_not_told_apart_are_charged_whole_as_input_and_as_output"] = """
            policy out outputTokens/day 1000; in inputTokens/day 1000; day tokens/day 5000 with expiry=charge => done
            reserve h tokens=400 ttl=60                                     => done out=0/400 in=0/400 day=0/400
            wait 1m
            tick                                                            => done out=400/0 in=400/0 day=400/0
            reserve g tokens=300                                            => done out=400/300
            settle g u unknown                                              => done out=700/0 in=700/0 day=700/0
            settle h v in=100 out=50                                        => done out=350/0 in=400/0 day=450/0
            """,
        ["What_is_told_and_what_is_not_in_one_hold_is_charged_as_it_was_held"] = """
            policy day tokens/day 1200; in inputTokens/day 5000; out outputTokens/day 5000 with expiry=charge => done
            reserve h in=400 max=600 ttl=60                                 => done day=0/1000
            extend h e tokens=200                                           => done day=0/1200 in=0/600 out=0/800
            wait 61s
            tick                                                            => done day=1200/0 in=600/0 out=800/0 sums=1200/0
            settle h u in=10 out=5                                          => done tokens=-1185 day=15/0 in=10/0 out=5/0 sums=10/5
            """,
        ["A_total_of_a_part_leaves_the_rest_of_the_hold_to_be_charged"] = """
            policy day tokens/day 5000; out outputTokens/day 5000 with expiry=charge => done
            reserve h in=400 max=600 ttl=60                                 => done
            settle h u total=500 partial                                    => done day=500/500 out=500/100
            wait 61s
            tick                                                            => done day=1000/0 out=600/0
            reserve g in=400 max=600                                        => done
            settle g v total=500 partial                                    => done day=1500/500 out=1100/100
            settle g w unknown                                              => done tokens=500 day=2000/0 out=1200/0
            reserve i in=400 max=600                                        => done
            extend i e tokens=200                                           => done day=2000/1200
            settle i x in=10 out=5 unknown                                  => done tokens=1200 day=3200/0 out=2000/0
            """,
        ["A_lender_whose_call_settled_a_total_is_charged_with_what_was_left_of_it"] = """
            policy day tokens/day 5000 with expiry=charge                   => done
            reserve lent in=400 max=600 ttl=60                              => done
            reserve one in=200 max=300 from=lent                            => done day=0/1000
            settle one u total=500                                          => done day=500/500
            wait 61s
            tick                                                            => done day=1000/0
            """,
        ["A_total_of_an_unknown_outcome_is_counted_once"] = """
            policy day tokens/day 5000; out outputTokens/day 5000 => done
            reserve h tokens=1000                                           => done day=0/1000
            settle h u total=800 unknown                                    => done tokens=1000 day=1000/0 out=1000/0
            reserve g in=100 max=200                                        => done day=1000/300
            settle g v total=250 unknown                                    => done tokens=300 day=1300/0 out=1250/0
            reserve f tokens=1000                                           => done day=1300/1000
            settle f w in=100 out=50 unknown                                => done tokens=1000 day=2300/0 out=2150/0
            """,
        ["A_lender_that_is_charged_books_no_request_that_it_lent"] = """
            policy calls requests/day 10 with expiry=charge => done
            reserve lent tokens=600 ttl=60                                  => done calls=0/1
            reserve one tokens=200 ttl=600 from=lent                        => done calls=0/1
            wait 1m
            tick                                                            => done calls=0/1
            settle one u in=100                                             => done calls=1/0
            """,
        ["What_was_lent_pays_under_a_rolling_limit_in_any_of_its_steps"] = """
            policy roll tokens/rolling:PT1H 1000                            => done
            reserve lent tokens=600                                         => done roll=0/600
            reserve other tokens=400                                        => done roll=0/1000
            wait 2m
            reserve one tokens=200 from=lent                                => done roll=0/1000
            reserve two tokens=500 from=lent                                => refused roll=0/1000
            """,
        ["A_call_that_is_rated_anew_is_counted_once_in_the_volume_of_its_month"] = """
            policy all cost/lifetime 100 with volume=100000:0.1             => done
            record a in=60000 model=big                                     => done cost=0.6 all=0.6/0
            reprice a                                                       => done all=0.6/0 events=none
            correct a in=60001                                              => done cost=0.00001 all=0.60001/0
            """,
        ["A_charge_in_doubt_is_no_volume_beside_the_call_that_it_was_of"] = """
            policy all cost/lifetime 100 with expiry=charge volume=100000:0.1 => done
            reserve h in=60000 max=0 model=big ttl=60                       => done all=0/0.6
            wait 61s
            settle h u in=60000                                             => done cost=0 all=0.6/0
            """,
        ["An_unknown_outcome_ends_the_hold"] = """
            policy day tokens/day 1000                                      => done
            reserve h tokens=100                                            => done
            settle h u unknown partial                                      => invalid final day=0/100
            settle h u unknown                                              => done tokens=100 day=100/0
            """,
        ["An_unknown_outcome_after_expiry_is_late_and_can_be_corrected_upwards"] = """
            policy day tokens/day 1000                                      => done
            reserve h tokens=100 ttl=1                                      => done
            wait 1s
            settle h u unknown                                              => done tokens=100 late=yes day=100/0
            settle h u2 in=150                                              => done tokens=50 late=yes overrun=yes day=150/0
            """,
        ["An_expiry_that_charges_books_what_was_held_and_a_late_settlement_the_difference"] = """
            policy day tokens/day 1000; calls requests/day 5; money cost/day 1 with expiry=charge => done
            reserve h in=100 max=300 model=small ttl=60                     => done money=0/0.0007
            wait 2m
            tick                                                            => done events=Expired day=400/0 calls=1/0 money=0.0007/0
            get h                                                           => done state=charged
            settle h u in=100 out=100                                       => done tokens=-200 cost=-0.0004 late=yes overrun=no day=200/0 calls=1/0 money=0.0003/0
            settle h u in=100 out=100                                       => done tokens=-200 events=none
            settle h u2 in=1                                                => conflict
            """,
        ["A_charge_after_parts_books_only_the_rest"] = """
            policy day tokens/day 1000; calls requests/day 5 with expiry=charge => done
            reserve h tokens=400 ttl=60                                     => done
            settle h u1 in=100 partial                                      => done day=100/300 calls=1/0
            wait 1m
            tick                                                            => done day=400/0 calls=1/0
            settle h u2 in=50                                               => done tokens=-250 day=150/0 calls=1/0
            """,
        ["An_unpriced_settlement_after_a_charge_keeps_the_charged_money"] = """
            policy money cost/day 1 with expiry=charge                      => done
            reserve h tokens=100 cost=0.5 ttl=60                            => done money=0/0.5
            wait 1m
            settle h u in=50                                                => done unpriced=yes cost=0 money=0.5/0
            reserve g tokens=100 cost=0.4 ttl=60                            => done
            wait 1m
            settle g v in=50 model=nobody                                   => done unpriced=yes cost=0.4 money=0.9/0
            """,
        ["A_charge_that_belonged_to_another_model_is_taken_back_there"] = """
            policy s tokens/day 1000 match model=small; b tokens/day 1000 match model=big; calls requests/day 9 with expiry=charge => done
            reserve h tokens=400 model=small ttl=60                         => done s=0/400 b=0/0
            wait 1m
            tick                                                            => done s=400/0 b=0/0 calls=1/0
            settle h u in=100 model=big                                     => done tokens=100 late=yes s=0/0 b=100/0 calls=1/0 events=Settled,Settled
            settle h u in=100 model=big                                     => done tokens=100 events=none
            settle h u2 in=100 model=big                                    => conflict
            """,
        ["A_charge_is_taken_back_under_the_outcome_and_the_tools_that_it_was_booked_under"] = """
            policy day tokens/day 5000; calls requests/day 10 with expiry=charge => done
            reserve h in=100 max=100 ttl=60                                 => done
            wait 1m
            tick                                                            => done sums:outcome:success=100/100 sums:outcome:failure=0/0
            settle h u in=10 out=5 failed                                   => done tokens=15 day=15/0 calls=1/0 sums:outcome:success=0/0 sums:outcome:failure=10/5 events=Settled,Settled
            reserve g in=100 max=100 tool=t ttl=60                          => done
            wait 1m
            settle g v in=20 out=5 tools=a,b                                => done sums:tool:t=20/5 sums:tool:a=20/5 sums:tool:b=20/5 sums=30/10
            reserve i in=100 max=100                                        => done
            settle i w in=10 unknown failed tools=a                         => done sums:outcome:failure=110/105 sums:tool:a=120/105
            settle i x in=30 out=7                                          => done sums:outcome:failure=10/5 sums:tool:a=20/5 sums=60/17 day=77/0 calls=3/0 events=Settled,Settled
            reserve j in=100 max=100                                        => done
            settle j y in=10 unknown failed tools=a                         => done sums:outcome:failure=110/105
            settle j z in=40 out=8 failed tools=a                           => done tokens=-152 sums:outcome:failure=50/13 sums:tool:a=60/13 events=Settled
            """,
        ["A_charge_is_taken_back_under_the_names_and_the_discount_that_it_was_booked_with"] = """
            forget
            policy all cost/lifetime 100 with expiry=charge volume=1000:0.5 => done
            record a in=500 model=big                                       => done cost=0.005 discount=0
            reserve h in=1000 max=0 model=big                               => done
            settle h u in=1000 unknown                                      => done discount=0.005
            settle h v in=2000                                              => done discount=0.01 sums=2500/0
            reserve g in=100 max=0 model=small-2026                         => done
            settle g w in=100 unknown                                       => done sums:model:small=100/0 discount=0.01005
            prices none
            settle g x in=50                                                => done sums:model:small=0/0 sums:model:small-2026=50/0 discount=0.01
            """,
        ["A_settlement_under_other_dimensions_frees_the_one_and_charges_the_other"] = """
            policy s tokens/day 1000 match model=small; b tokens/day 1000 match model=big; who tokens/session 500 => done
            reserve h tokens=400 model=small                                => done s=0/400 b=0/0
            settle h u in=100 out=10 model=big session=s1                   => done s=0/0 b=110/0 who[s1]=110/0 cost=0.0012
            """,
        ["Identity_of_a_reservation"] = """
            policy day tokens/day 1000                                      => done
            reserve h tokens=800                                            => done tokens=800 day=0/800
            reserve h tokens=800                                            => done tokens=800 day=0/800 events=none
            reserve h tokens=801                                            => mismatch day=0/800
            reserve h tokens=800 ttl=60                                     => mismatch
            settle h u in=10                                                => done
            reserve h tokens=800                                            => done state=settled day=10/0 events=none
            reserve g tokens=991                                            => refused
            reserve g tokens=990                                            => done
            """,
        ["Identity_of_usage_is_shared_by_settlements_and_records"] = """
            policy day tokens/day 1000                                      => done
            record u in=10 out=5                                            => done tokens=15 day=15/0
            record u in=10 out=5                                            => done tokens=15 day=15/0 events=none
            record u in=10 out=6                                            => mismatch day=15/0
            reserve h tokens=100                                            => done
            settle h u in=10 out=5                                          => mismatch day=15/100
            settle h u2 in=10                                               => done day=25/0
            settle h u2 in=10                                               => done tokens=10 events=none
            settle h u2 in=10 partial                                       => mismatch
            record u2 in=10                                                 => mismatch
            """,
        ["Identity_outlives_memory"] = """
            policy day tokens/day 1000                                      => done
            forget
            reserve h tokens=100                                            => done
            settle h u in=60                                                => done day=60/0
            settle h u in=60                                                => done tokens=60 events=none
            settle h u in=61                                                => mismatch
            settle h v in=61                                                => conflict
            reserve h tokens=100                                            => done state=settled events=none
            reserve h tokens=101                                            => mismatch
            record u in=60                                                  => mismatch
            get h                                                           => done state=settled
            """,
        ["Refusals_are_not_remembered"] = """
            policy day tokens/day 100                                       => done
            reserve h tokens=200                                            => refused events=none
            reserve h tokens=50                                             => done day=0/50
            get g                                                           => not-found
            """,
        ["What_was_acknowledged_survives_a_restart"] = """
            policy day tokens/day 1000; who tokens/hour 500 each user       => done
            reserve h tokens=100 user=ann                                   => done
            record r in=10 user=bob                                         => done
            override o day +100 until=1h                                    => done
            restart
            status                                                          => done day=10/100 day.amount=1100 who[ann]=0/100 who[bob]=10/0 active=1 reserved=100
            settle h u in=70 user=ann                                       => done day=80/0 who[ann]=70/0
            reload
            settle h u in=70 user=ann                                       => done tokens=70 events=none
            """,
        ["A_missing_reservation_is_not_found"] = """
            policy day tokens/day 1000                                      => done
            settle h u in=1                                                 => not-found
            extend h e ttl=5                                                => not-found
            release h                                                       => not-found
            get h                                                           => not-found
            drop o                                                          => not-found
            """,
        ["More_time_counts_from_now_and_never_shortens"] = """
            policy day tokens/day 1000                                      => done
            reserve h tokens=100 ttl=60                                     => done expires=2026-03-02T10:01
            wait 30s
            extend h e1 ttl=60                                              => done expires=2026-03-02T10:01:30 events=HoldExtended
            extend h e2 ttl=1                                               => done expires=2026-03-02T10:01:30
            wait 30s
            tick                                                            => done events=none
            wait 29s
            extend h e3 ttl=3600                                            => done expires=2026-03-02T11:01:29
            extend h e3 ttl=3600                                            => done expires=2026-03-02T11:01:29 events=none
            extend h e3 ttl=3601                                            => mismatch
            extend h e4                                                     => invalid ttlSeconds
            wait 2h
            extend h e5 ttl=60                                              => conflict
            extend h e3 ttl=3600                                            => done state=expired events=none
            """,
        ["More_amount_is_admitted_like_a_reservation"] = """
            policy day tokens/day 1000; calls requests/day 1                => done
            reserve h in=100 max=100                                        => done day=0/200
            extend h e1 max=800                                             => done tokens=1000 day=0/1000 calls=0/1
            extend h e2 max=1                                               => refused blocked=day
            extend h e1 max=800                                             => done tokens=1000 events=none
            settle h u in=100 out=850                                       => done overrun=no day=950/0
            """,
        ["More_amount_belongs_to_the_window_of_its_own_moment"] = """
            policy hour tokens/hour 1000                                    => done
            at 2026-03-02T10:59
            reserve h tokens=400                                            => done hour=0/400
            at 2026-03-02T11:00
            status                                                          => done hour=0/0
            extend h e tokens=300 ttl=900                                   => done hour=0/300 tokens=700
            settle h u in=650                                               => done overrun=no hour=0/0
            """,
        ["More_amount_under_a_name_that_costs"] = """
            policy money cost/day 1; day tokens/day 1000                    => done
            reserve h in=100 max=100 model=small                            => done money=0/0.0003
            extend h e cost=0.5                                             => done money=0/0.5003 day=0/200
            """,
        ["An_exact_fit_is_admitted_and_one_more_is_not"] = """
            policy day tokens/day 1000                                      => done
            check tokens=1000                                               => done allowed=yes
            check tokens=1001                                               => done allowed=no blocked=day events=none
            reserve h tokens=1000                                           => done day=0/1000 day.remaining=0 day.committed=100 day.used=0
            reserve g tokens=1                                              => refused
            """,
        ["Every_matching_limit_must_fit_and_every_one_that_does_not_is_named"] = """
            policy hour tokens/hour 100; day tokens/day 1000; money cost/day 0.0001; calls requests/day 1; note tokens/month 1 soft => done
            record r in=50 model=small                                      => done cost=0.00005
            reserve h in=60 max=40 model=small                              => refused blocked=hour,money,calls hour.requested=100 money.requested=0.00014 calls.requested=1 matches=hour,day,money,calls,note
            check in=60 max=40 model=small                                  => done allowed=no blocked=hour,money,calls
            status                                                          => done hour=50/0 day=50/0
            """,
        ["A_refusal_says_when_to_come_back"] = """
            policy hour tokens/hour 100; day tokens/day 150; life tokens/lifetime 10000 => done
            at 2026-03-02T10:40
            record r in=100                                                 => done
            reserve h tokens=40                                             => refused blocked=hour hour.retry=1200 suggest=wait:1200,override:hour:40 hour.resets=2026-03-02T11:00
            reserve h tokens=60                                             => refused blocked=hour,day hour.retry=1200 day.retry=48000 suggest=wait:48000,override:hour:60,override:day:10
            reserve h tokens=101                                            => refused blocked=hour,day hour.retry=never day.retry=48000 suggest=override:hour:101,override:day:51
            """,
        ["A_refusal_waits_for_the_holds_that_run_out_first_or_for_the_window"] = """
            policy day tokens/day 100; life tokens/lifetime 100             => done
            reserve h tokens=60 ttl=60                                      => done
            reserve g tokens=30 ttl=600                                     => done
            reserve x tokens=40                                             => refused blocked=day,life day.retry=60 life.retry=60 suggest=wait:60,override:day:30,override:life:30
            reserve x tokens=80                                             => refused day.retry=600 life.retry=600
            reserve x tokens=101                                            => refused day.retry=never life.retry=never
            extend h e ttl=120                                              => done
            reserve x tokens=40                                             => refused day.retry=120 life.retry=120
            settle h u in=20 partial                                        => done day=20/70
            reserve x tokens=40                                             => refused day.retry=120
            settle h v in=40                                                => done day=60/30
            reserve x tokens=40                                             => refused day.retry=600 life.retry=600
            reserve x tokens=41                                             => refused day.retry=50400 life.retry=never suggest=override:day:31,override:life:31
            wait 600s
            reserve x tokens=40                                             => done
            """,
        ["Waiting_for_a_hold_that_will_be_charged_does_not_help"] = """
            policy life tokens/lifetime 100 with expiry=charge              => done
            reserve h tokens=60 ttl=60                                      => done
            policy life tokens/lifetime 100                                 => done
            reserve g tokens=40 ttl=90                                      => done
            reserve x tokens=50                                             => refused life.retry=never
            reserve x tokens=40                                             => refused life.retry=90
            """,
        ["Waiting_looks_at_the_holds_of_the_same_counter_only"] = """
            policy who tokens/day 100 each user                             => done
            reserve h tokens=80 user=ann ttl=60                             => done
            reserve g tokens=80 user=bob ttl=300                            => done
            check tokens=50 user=bob                                        => done blocked=who who.retry=300
            check tokens=50 user=ann                                        => done blocked=who who.retry=60
            """,
        ["Waiting_looks_at_the_holds_of_the_same_window_only"] = """
            policy hour tokens/hour 100                                     => done
            at 2026-03-02T10:59
            reserve a tokens=100 ttl=3600                                   => done
            at 2026-03-02T11:00
            reserve b tokens=80 ttl=3590                                    => done
            reserve c tokens=30                                             => refused hour.retry=3590
            """,
        ["Waiting_ends_with_a_raise_that_ends_before"] = """
            policy life tokens/lifetime 100                                 => done
            override o life +100 until=1h                                   => done
            reserve h tokens=150 ttl=600                                    => done
            reserve x tokens=60                                             => refused life.retry=600
            extend h e ttl=3600                                             => done
            reserve x tokens=60                                             => refused life.retry=3600
            reserve x tokens=101                                            => refused life.retry=never
            """,
        ["In_a_rolling_window_a_hold_runs_out_before_its_step_leaves"] = """
            policy roll tokens/rolling:PT1H 100                             => done
            at 2026-03-02T10:00:30
            record a in=60                                                  => done
            reserve h tokens=40 ttl=900                                     => done
            check tokens=40                                                 => done roll.retry=900
            check tokens=41                                                 => done roll.retry=3630
            """,
        ["A_limit_that_came_after_records_were_gone_says_since_when_it_counts"] = """
            policy old tokens/lifetime 1000                                 => done
            at 2026-03-02T10:00
            record a in=10                                                  => done
            at 2026-03-20T10:00
            record b in=20                                                  => done
            purge 2026-03-10T00:00
            policy old tokens/lifetime 1000; life tokens/lifetime 1000; month tokens/month 1000; week tokens/week 1000; roll tokens/rolling:P14D 1000 => done
            status                                                          => done old=30/0 old.since=none life=20/0 life.since=2026-03-10T00:00 month=20/0 month.since=2026-03-10T00:00 week=20/0 week.since=none roll.since=2026-03-10T00:00
            restart
            check tokens=1                                                  => done month.since=2026-03-10T00:00
            policy life tokens/lifetime 500; month tokens/month 1000; roll tokens/rolling:P14D 1000 => done life.since=2026-03-10T00:00 month.since=2026-03-10T00:00
            at 2026-03-23T23:00
            status                                                          => done roll.since=2026-03-10T00:00
            at 2026-03-24T00:00
            status                                                          => done roll.since=none month.since=2026-03-10T00:00
            at 2026-04-01T00:00
            status                                                          => done month.since=none life.since=2026-03-10T00:00
            """,
        ["An_account_younger_than_what_is_kept_counts_all"] = """
            purge 2026-03-02T10:00
            policy a tokens/day 1000                                        => done
            record r in=10                                                  => done
            policy b tokens/lifetime 1000                                   => done b=10/0 b.since=none
            """,
        ["A_limit_that_came_after_an_erasure_says_since_when_it_counts"] = """
            policy day tokens/day 1000                                      => done
            record a in=10 user=ann                                         => done
            wait 1h
            erase user=ann                                                  => done
            policy day tokens/day 1000; hour tokens/hour 1000; life tokens/lifetime 1000; later tokens/day 1000 off => done day.since=none hour.since=2026-03-02T11:00 life.since=2026-03-02T11:00
            wait 1h
            policy day tokens/day 1000; later tokens/day 1000; next tokens/hour 1000 => done later.since=2026-03-02T11:00 next.since=none
            """,
        ["Waiting_does_not_help_where_nothing_ever_leaves"] = """
            policy life tokens/lifetime 100                                 => done
            record r in=90                                                  => done
            reserve h tokens=20                                             => refused life.retry=never life.resets=never suggest=override:life:10
            """,
        ["A_refusal_suggests_the_largest_output_that_fits_everything"] = """
            policy day tokens/day 1000; out outputTokens/day 300; money cost/day 0.0006 => done
            reserve h in=100 max=500 model=small                            => refused blocked=out,money suggest=max:250,override:out:200,override:money:0.0005
            reserve h in=100 max=250 model=small                            => done
            """,
        ["No_output_is_suggested_where_the_input_alone_does_not_fit"] = """
            policy in inputTokens/day 100; day tokens/day 1000              => done
            reserve h in=200 max=500                                        => refused blocked=in in.retry=never suggest=override:in:100
            """,
        ["A_request_window_limits_each_call_alone"] = """
            policy call tokens/request 100                                  => done
            reserve h tokens=100                                            => done call=0/0
            reserve g tokens=100                                            => done
            reserve f in=60 max=41                                          => refused blocked=call call.retry=never suggest=max:40,override:call:1
            record r in=5000                                                => done call=0/0
            """,
        ["Amount_0_allows_nothing_and_null_everything"] = """
            policy zero tokens/day 0; open requests/day none                => done
            reserve h tokens=0                                              => done zero.used=100 zero.status=exceeded zero.remaining=0 open.used=0 open.remaining=none open.amount=none open=0/1
            reserve g tokens=1                                              => refused blocked=zero
            record r in=5                                                   => done zero=5/0 zero.used=100 open=1/1 events=Recorded,ThresholdCrossed,ThresholdCrossed,ThresholdCrossed,ThresholdCrossed
            """,
        ["Soft_limits_admit_and_announce"] = """
            policy day tokens/day 100 soft                                  => done
            reserve h tokens=500                                            => done day=0/500
            settle h u in=95                                                => done announced=day:0.5#0,day:0.75#0,day:0.9#0 day.status=critical
            record r in=5                                                   => done announced=day:1#0 day.status=exceeded
            record q in=5                                                   => done announced=none
            """,
        ["Shadow_limits_decide_and_report_but_never_refuse"] = """
            policy day tokens/day 100 shadow; big tokens/day 1000           => done
            reserve h tokens=150                                            => done shadows=day day.requested=150 day=0/150
            check tokens=2000                                               => done allowed=no blocked=big shadows=day
            """,
        ["A_limit_that_is_off_does_nothing_and_begins_anew_when_on"] = """
            policy day tokens/day 100 off                                   => done
            reserve h tokens=150                                            => done matches=none
            status                                                          => done shown=none
            settle h u in=60                                                => done
            policy day tokens/day 100                                       => done day=60/0
            reserve g tokens=41                                             => refused
            """,
        ["The_strictest_limit_wins"] = """
            policy loose tokens/day 100 soft; tight tokens/day 50           => done
            reserve h tokens=60                                             => refused blocked=tight
            """,
        ["Each_counts_every_value_alone_and_calls_without_one_under_the_empty_key"] = """
            policy who tokens/day 100 each user                             => done
            reserve h tokens=100 user=ann                                   => done who[ann]=0/100
            reserve g tokens=100 user=bob                                   => done who[bob]=0/100
            reserve f tokens=1 user=ann                                     => refused
            reserve e tokens=100                                            => done who[]=0/100
            reserve d tokens=1                                              => refused
            status                                                          => done shown=who[],who[ann],who[bob]
            status page=2                                                   => done shown=who[],who[ann] next=1/ann
            status page=2 cursor=1/ann                                      => done shown=who[bob] next=none
            """,
        ["Each_counts_tags_too"] = """
            policy team tokens/day 100 each tags.team                       => done
            reserve h tokens=60 tag.team=a                                  => done team[a]=0/60
            reserve g tokens=60 tag.team=b tag.x=y                          => done team[b]=0/60
            reserve f tokens=60 tag.team=a                                  => refused
            """,
        ["Ids_may_hold_separators_and_wildcards"] = """
            policy who tokens/day 1000 each user                            => done
            record 1 in=100 user=a:b                                        => done
            record 2 in=1 user=a                                            => done
            record 3 in=7 user=*                                            => done who[a:b]=100/0 who[a]=1/0 who[*]=7/0
            """,
        ["Matching_knows_globs_and_ignores_case"] = """
            policy four tokens/day 100 match model=GPT-4*; q tokens/day 100 match model=gpt-?o; team tokens/day 100 match tags.team=search match tenant=t* => done
            check tokens=1 model=gpt-4.1                                    => done matches=four
            check tokens=1 model=GPT-4O                                     => done matches=four,q
            check tokens=1 model=my-gpt-4                                   => done matches=none
            check tokens=1 tenant=T1 tag.team=Search                        => done matches=team
            check tokens=1 tenant=t1 tag.team=research                      => done matches=none
            check tokens=1 tag.team=search                                  => done matches=none
            check tokens=1                                                  => done matches=none
            """,
        ["A_model_matches_by_the_given_and_by_the_canonical_name"] = """
            policy canon tokens/day 100 match model=small; alias tokens/day 100 match model=*2026; prov tokens/day 100 match provider=openai => done
            check tokens=1 model=small-2026                                 => done matches=canon,alias,prov
            check tokens=1 model=openai/small                               => done matches=canon,prov
            check tokens=1 model=small                                      => done matches=canon,prov
            check tokens=1 model=smaller                                    => done matches=none
            record r in=10 model=small-2026                                 => done canon=10/0 alias=10/0 prov=10/0
            """,
        ["A_backslash_in_a_pattern_stands_for_itself"] = """
            policy path tokens/day 100 match tool=c:\run*                   => done
            check tokens=1 tool=c:\run.exe                                  => done matches=path
            check tokens=1 tool=c:run.exe                                   => done matches=none
            """,
        ["A_silent_estimate_is_unprocessable_where_a_hard_limit_needs_it"] = """
            policy day tokens/day 1000                                      => done
            check                                                           => unprocessable inputTokens
            reserve h model=small                                           => unprocessable inputTokens
            reserve h in=100                                                => unprocessable maxOutputTokens
            reserve h max=100                                               => unprocessable inputTokens
            reserve h cost=1                                                => unprocessable inputTokens
            reserve h in=100 model=small                                    => refused day.requested=1100 suggest=max:900,override:day:100
            policy day tokens/day 2000                                      => done
            reserve h in=100 model=small                                    => done tokens=1100
            policy day tokens/day 2000 with max=50                          => done
            reserve g in=100 model=small                                    => done tokens=150
            policy day tokens/day 1000 soft                                 => done
            reserve f                                                       => done tokens=0
            policy day tokens/day none; out outputTokens/day none           => done
            reserve e                                                       => done
            """,
        ["Each_unit_asks_only_for_its_own_part_of_an_estimate"] = """
            policy in inputTokens/day 1000                                  => done
            reserve a in=10                                                 => done
            policy out outputTokens/day 1000                                => done
            reserve b max=10                                                => done out=0/10
            reserve c in=10                                                 => unprocessable maxOutputTokens
            policy calls requests/day 5                                     => done
            reserve d                                                       => done calls=0/3
            """,
        ["Money_needs_a_model_with_a_price_or_a_cost"] = """
            policy money cost/day 1                                         => done
            check tokens=100                                                => unprocessable cost
            check tokens=100 model=nobody                                   => unprocessable model
            check model=small                                               => unprocessable model
            check tokens=100 model=euro                                     => unprocessable model
            check tokens=100 model=small                                    => done allowed=yes
            check cost=1                                                    => done allowed=yes
            check cost=1.000000001                                          => done allowed=no
            check tokens=10000000000 model=dear                             => unprocessable model
            reserve h tokens=100 model=nobody cost=0.5                      => done cost=0.5
            """,
        ["A_price_beyond_any_call_is_no_crash"] = """
            policy day tokens/day none                                      => done
            reserve h tokens=1000000000000000 model=dear                    => done cost=0
            settle h u in=1000000000000000 model=dear                       => done unpriced=yes cost=0
            record r in=1000000000000000 model=dear                         => done unpriced=yes
            """,
        ["Plain_tokens_are_priced_at_the_dearer_rate"] = """
            policy money cost/day 1                                         => done
            reserve h tokens=100 model=small                                => done cost=0.0002
            reserve g in=60 max=40 model=small                              => done cost=0.00014
            """,
        ["A_fallback_price_stands_in_for_a_missing_one"] = """
            policy money cost/day 1 with fallback=big                       => done
            reserve h tokens=100 model=nobody                               => done cost=0.002
            settle h u in=50 out=10                                         => done cost=0.0007 unpriced=yes price=test-1 money=0.0007/0
            record r in=50 model=euro                                       => done cost=0.0005 unpriced=yes
            """,
        ["A_record_without_a_price_is_rated_when_there_is_one"] = """
            policy money cost/lifetime 10                                   => done
            prices none
            record u in=1000 model=small                                    => done unpriced=yes money=0/0
            reprice u unpriced                                              => unprocessable model
            prices test-2
            reprice u unpriced                                              => done events=Recorded money=0.001/0
            reprice u unpriced                                              => done events=none money=0.001/0
            reprice u                                                       => done events=none money=0.001/0
            reprice nothing                                                 => not-found
            """,
        ["An_unpriced_settlement_books_the_money_that_was_held"] = """
            policy money cost/day 1                                         => done
            reserve h tokens=100 cost=0.3                                   => done money=0/0.3
            settle h u1 in=10 model=nobody partial                          => done cost=0 unpriced=yes money=0/0.3
            settle h u2 in=10 model=nobody                                  => done cost=0.3 unpriced=yes money=0.3/0
            """,
        ["Usage_of_an_unpriced_model_is_always_recorded"] = """
            policy day tokens/day 1000; money cost/day 1                    => done
            record r in=100 model=nobody                                    => done unpriced=yes cost=0 price=none day=100/0 money=0/0
            record s in=100 model=small                                     => done unpriced=no cost=0.0001 price=test-1 money=0.0001/0
            record t in=100 cached=40 model=wise                            => done cost=0.00032 unpriced=no
            record u in=100 searches=2 model=wise                           => done cost=0.0205
            record v in=100 pages=2 model=wise                              => done unpriced=yes unrated=pages cost=0.0005
            record z pages=2 model=wise                                     => done unpriced=yes unrated=none cost=0
            record w cost=0.25                                              => done unpriced=no cost=0.25 price=none
            record x                                                        => done unpriced=no cost=0 price=none
            """,
        ["Never_less_is_booked_for_more_work"] = """
            policy money cost/lifetime 10                                   => done
            record a in=100 out=10 model=small                              => done cost=0.00012 unpriced=no tier=standard
            record b in=100 out=10 searches=1 model=small                   => done cost=0.00012 unpriced=yes unrated=webSearches
            reserve h in=100 max=10 cost=0.3                                => done
            settle h c in=100 out=10 searches=1 model=small                 => done cost=0.3 unpriced=yes unrated=webSearches
            reserve g in=100 max=10 model=small                             => done cost=0.00012
            settle g d in=1000 out=10 searches=1 model=small                => done cost=0.00102 unpriced=yes unrated=webSearches
            reserve f in=100 max=10 model=small                             => done cost=0.00012
            settle f e in=10 out=1 searches=1 model=small partial           => done cost=0.000012 unpriced=yes
            """,
        ["A_hold_takes_units_as_the_most_there_can_be"] = """
            policy money cost/day 1                                         => done
            check in=100 max=10 searches=3 model=wise                       => done
            reserve h in=100 max=10 searches=3 model=wise                   => done cost=0.03075 money=0/0.03075
            settle h u in=100 out=10 searches=2 model=wise                  => done cost=0.02075 money=0.02075/0
            reserve g searches=3 model=wise                                 => done cost=0.03
            reserve f in=100 max=10 cached=100 model=wise                   => done cost=0.00075
            reserve e in=100 max=10 pages=1 model=wise                      => unprocessable model
            """,
        ["A_total_counts_whole_against_input_and_output"] = """
            policy all tokens/day 1000; in inputTokens/day 1000; out outputTokens/day 1000; money cost/day 1 => done
            record a total=350 model=small                                  => done tokens=350 cost=0.0007 all=350/0 in=350/0 out=350/0
            reserve h tokens=400 model=small                                => done cost=0.0008
            settle h b total=300                                            => done tokens=300 cost=0.0006 all=650/0 in=650/0 out=650/0
            record c total=5 in=1                                           => invalid totalTokens
            """,
        ["What_a_provider_charged_is_kept_beside_the_price"] = """
            policy money cost/lifetime 10                                   => done
            record a in=100 out=10 reported=0.5 model=small                 => done cost=0.00012 reported=0.5 unpriced=no
            record b in=100 out=10 reported=0.5 model=nobody                => done cost=0.5 reported=0.5 unpriced=no price=reported
            record c in=100 searches=1 reported=0.01 model=small            => done cost=0.01 unpriced=no unrated=webSearches
            record d in=100 searches=1 reported=0.00001 model=small         => done cost=0.0001 unpriced=no unrated=webSearches
            record e in=100 out=10 reported=0.5 cost=0.2 model=small        => done cost=0.2 reported=0.5
            policy money cost/lifetime 10 with book=reported                => done
            record f in=100 out=10 reported=0.5 model=small                 => done cost=0.5 price=reported
            """,
        ["A_report_that_contradicts_itself_is_booked_unless_the_policy_refuses_it"] = """
            policy day tokens/day 1000                                      => done
            record a in=8 disputed                                          => done disputed=yes day=8/0
            policy day tokens/day 1000 with disputed=refuse                 => done
            record b in=8 disputed                                          => unprocessable raw day=8/0
            reserve h tokens=100 ttl=60                                     => done day=8/100
            settle h c in=8 disputed                                        => unprocessable raw events=SettleRefused
            settle h d in=8 disputed                                        => unprocessable raw events=none
            wait 61s
            tick                                                            => done events=Expired day=108/0
            """,
        ["A_hold_is_charged_if_a_settlement_of_it_was_refused_for_its_content"] = """
            policy day tokens/day 1000                                      => done
            reserve h tokens=100 ttl=60                                     => done
            settle h u in=-1                                                => invalid inputTokens events=SettleRefused
            reserve g tokens=100 ttl=60                                     => done
            refuse-settle g                                                 => invalid raw events=SettleRefused
            refuse-settle nothing                                           => invalid raw events=none
            reserve f tokens=100 ttl=60                                     => done
            refuse-settle f                                                 => invalid raw
            settle f v in=10                                                => done day=10/200
            wait 61s
            tick                                                            => done day=210/0
            get h                                                           => done state=charged
            settle g w in=30                                                => done late day=140/0
            """,
        ["What_other_models_did_is_a_line_of_its_own"] = """
            policy all tokens/day 10000; small tokens/day 10000 match model=small; big tokens/day 10000 match model=big; money cost/day 1; calls requests/day 10 => done
            record a in=100 out=10 model=small lines=big:50:5               => done tokens=165 cost=0.00072 lines=big:55:0.0006 all=165/0 small=110/0 big=55/0 money=0.00072/0 calls=1/0
            record a in=100 out=10 model=small lines=big:50:5               => done tokens=165 cost=0.00072 events=none
            reserve h in=100 max=100 model=small                            => done all=165/200
            settle h b in=100 out=10 model=small lines=big:50:5,big:10:0    => done tokens=175 all=340/0 small=220/0 big=120/0 calls=2/0
            reserve g in=100 max=100 model=small ttl=60                     => done
            settle g c in=50 out=0 model=small unknown lines=big:10:0       => done tokens=200 all=540/0
            settle g d in=20 out=0 model=small lines=big:30:0               => done tokens=50 late all=400/0
            """,
        ["A_record_is_taken_back_once_and_frees_from_now_on"] = """
            policy day tokens/day 100; money cost/day 1; calls requests/day 5 => done
            record u in=90 model=small                                      => done day=90/0
            reserve h in=20 max=0 model=small                               => refused
            void u                                                          => done adjustment=void:u tokens=-90 cost=-0.00009 day=0/0 money=0/0 calls=0/0 events=Recorded
            void u                                                          => done adjustment=none tokens=0 day=0/0 events=none
            reserve h in=20 max=0 model=small                               => done day=0/20
            correct u in=5 model=small                                      => conflict
            reprice u                                                       => unprocessable id
            void nothing                                                    => not-found
            void u by=""                                                    => invalid by
            void u reason=""                                                => invalid reason
            record v in=10 model=small lines=big:5:0                        => done tokens=15 day=15/20
            void v                                                          => done tokens=-15 day=0/20
            record w in=1 model=small lines=big:5:0                         => done
            void line:1:w                                                   => unprocessable id
            """,
        ["A_void_lowers_the_window_of_the_original_and_no_other"] = """
            policy day tokens/day 100; all tokens/lifetime 1000             => done
            record u in=90                                                  => done day=90/0 all=90/0
            wait 1d
            record v in=10                                                  => done day=10/0 all=100/0
            void u                                                          => done day=10/0 all=10/0
            """,
        ["What_was_booked_in_doubt_is_settled_and_not_taken_back"] = """
            policy day tokens/day 1000 with expiry=charge                   => done
            reserve h tokens=100 ttl=60                                     => done
            wait 61s
            tick                                                            => done day=100/0
            void expiry:h                                                   => unprocessable id
            settle h u in=0                                                 => done day=0/0
            """,
        ["A_correction_books_the_difference"] = """
            policy day tokens/day 1000; money cost/day 1                    => done
            record u in=100 model=small disputed                            => done day=100/0 money=0.0001/0
            correct u in=40 out=10                                          => done adjustment=corrected:1:u tokens=-50 cost=-0.00004 day=50/0 money=0.00006/0
            correct u in=40 out=10                                          => done adjustment=none events=none
            correct u in=80                                                 => done adjustment=corrected:2:u tokens=30 day=80/0
            reprice u                                                       => unprocessable id
            record v in=10 model=small disputed                             => done
            correct v in=10                                                 => done adjustment=corrected:1:v tokens=0
            void u                                                          => done tokens=-80 day=10/0
            record w in=100 model=small cost=9                              => done
            record x in=1000 model=big                                      => done cost=0.01
            credit c cost 0.0095 usage=x                                    => done cost=-0.0095
            prices cheap
            reprice x                                                       => done
            credit c2 cost 0.0000001 usage=x                                => unprocessable amount
            correct nothing in=1                                            => not-found
            """,
        ["Input_and_output_that_were_not_told_apart_are_what_the_last_correction_says"] = """
            policy day tokens/day 5000; out outputTokens/day 5000; in inputTokens/day 5000 => done
            record u total=100                                              => done sums=100/0 day=100/0 out=100/0
            correct u in=10 out=5                                           => done sums=10/5 day=15/0 in=10/0 out=5/0
            void u                                                          => done sums=0/0 day=0/0 in=0/0 out=0/0
            record v in=10 out=5                                            => done sums=10/5
            correct v total=40                                              => done sums=40/0 day=40/0 in=40/0 out=40/0
            correct v in=30 out=20                                          => done sums=30/20 day=50/0
            correct v total=60                                              => done sums=60/0 day=60/0
            void v                                                          => done sums=0/0 day=0/0 in=0/0 out=0/0
            record w total=7                                                => done sums=7/0
            void w                                                          => done sums=0/0 day=0/0
            """,
        ["What_is_credited_is_taken_off_the_input_or_the_output_that_there_is"] = """
            policy day tokens/day 5000; out outputTokens/day 5000           => done
            record u total=100                                              => done sums=100/0
            credit a outputTokens 30 usage=u                                => done sums=70/0 day=70/0 out=70/0
            correct u in=40 out=10                                          => done sums=40/10 day=50/0 out=10/0
            credit b tokens 45 usage=u                                      => done sums=0/5 day=5/0
            void u                                                          => done sums=0/0 day=0/0 out=0/0
            record v in=10 out=50                                           => done sums=10/50
            credit c inputTokens 10 usage=v                                 => done sums=0/50
            credit d tokens 20 usage=v                                      => done sums=0/30
            credit e outputTokens 30 usage=v                                => done sums=0/0
            void v                                                          => done sums=0/0 day=0/0 out=0/0
            """,
        ["A_settlement_of_a_charge_shows_input_and_output_as_it_tells_them"] = """
            policy day tokens/day 5000; out outputTokens/day 5000 with expiry=charge => done
            reserve h tokens=400 ttl=60                                     => done
            wait 1m
            tick                                                            => done sums=400/0 out=400/0
            settle h u in=10 out=5                                          => done sums=10/5 day=15/0 out=5/0
            reserve g in=20 max=30 ttl=60                                   => done
            wait 1m
            settle g v total=40                                             => done sums=50/5 day=55/0 out=45/0
            reserve i tokens=100                                            => done
            settle i w in=60 out=10 unknown                                 => done sums=150/5
            settle i x in=60 out=10                                         => done sums=110/15 day=125/0
            """,
        ["A_volume_discount_goes_by_the_month_of_the_call"] = """
            policy all cost/lifetime 100 with volume=100000:0.1             => done
            record a in=90000 model=big at=-20d                             => done cost=0.9
            record b in=90000 model=big at=-20d                             => done cost=0.81
            record c in=90000 model=big at=-20d                             => done cost=0.81
            record d in=90000 model=big                                     => done cost=0.9
            record e in=90000 model=big                                     => done cost=0.81
            void a                                                          => done cost=-0.9
            void b                                                          => done cost=-0.81
            record f in=9000 model=big at=-20d                              => done cost=0.09
            """,
        ["A_credit_gives_back_what_was_used"] = """
            policy day cost/day 10; all cost/lifetime 100; count requests/day 5; in inputTokens/day 1000; both tokens/day 1000 => done
            record u in=10 cost=9                                           => done day=9/0
            credit c cost 4 usage=u                                         => done adjustment=c cost=-4 day=5/0 all=5/0
            credit c cost 4 usage=u                                         => done adjustment=c events=none day=5/0
            credit c cost 3 usage=u                                         => mismatch
            credit d cost 10 usage=u                                        => unprocessable amount
            credit d cost 6 usage=u                                         => unprocessable amount
            record split in=6 out=4 cost=0                                  => done in=16/0
            credit t inputTokens 5 usage=split                              => done in=11/0
            credit s tokens 6 usage=split                                   => unprocessable amount
            credit s tokens 5 usage=split                                   => done in=11/0 both=10/0
            credit r outputTokens 1 usage=split                             => unprocessable amount
            void split                                                      => done in=10/0 both=10/0
            credit e requests 1 usage=u                                     => done count=0/0
            credit f inputTokens 4                                          => done in=6/0 both=6/0
            credit g cost 6                                                 => unprocessable amount
            wait 1d
            credit i cost 5                                                 => unprocessable amount
            credit i cost 5 at=-1d                                          => done day=0/0 all=0/0
            credit j cost 0                                                 => invalid amount
            credit k cost 1 usage=nothing                                   => not-found
            credit l cost 1 usage=u user=ann                                => invalid usageId
            credit m cost 1 at=1d                                           => invalid timestamp
            credit n cost 1 by=""                                           => invalid by
            """,
        ["The_tier_that_was_used_is_said_and_an_unknown_one_refused"] = """
            record a in=100 model=small tier=batch                          => done tier=standard
            record b in=100 model=small tier=default                        => done tier=standard
            record c in=100 model=small tier=nonsense                       => invalid serviceTier
            check in=100 max=1 model=small tier=nonsense                    => invalid serviceTier
            """,
        ["An_overrun_is_of_what_the_hold_was_about"] = """
            policy money cost/day 1; day tokens/day none                    => done
            reserve h cost=0.5                                              => done
            settle h u in=100 cost=0.4                                      => done overrun=no
            reserve g tokens=100 cost=0.5                                   => done
            settle g v in=10 cost=0.51                                      => done overrun=yes
            """,
        ["A_record_is_booked_at_its_own_time_and_touches_only_its_own_windows"] = """
            policy hour tokens/hour 1000; day tokens/day 1000; roll tokens/rolling:PT1H 1000; life tokens/lifetime 1000 => done
            record now in=1                                                 => done hour=1/0 day=1/0 roll=1/0 life=1/0
            record earlier in=10 at=2026-03-02T09:30                        => done hour=1/0 day=11/0 roll=11/0 life=11/0
            record yesterday in=100 at=-1d                                  => done hour=1/0 day=11/0 roll=11/0 life=111/0
            record tomorrow in=200 at=1d                                    => done hour=1/0 day=11/0 roll=11/0 life=311/0
            record later in=400 at=30m                                      => done hour=401/0 day=411/0 roll=11/0 life=711/0
            wait 1d
            status                                                          => done hour=200/0 day=200/0 roll=200/0 life=711/0
            record old in=1 at=1999-01-01T00:00                             => invalid timestamp
            record far in=1 at=400d                                         => invalid timestamp
            """,
        ["A_hold_belongs_to_the_windows_in_which_it_was_taken"] = """
            policy day tokens/day 1000; month tokens/month 10000            => done
            at 2026-03-02T23:59
            reserve h tokens=400                                            => done day=0/400
            at 2026-03-03T00:00
            status                                                          => done day=0/0 month=0/400
            reserve g tokens=1000                                           => done day=0/1000
            settle h u in=300                                               => done late=no day=0/1000 month=300/1000
            """,
        ["A_window_with_usage_is_announced_when_it_ends"] = """
            policy hour tokens/hour 1000; day tokens/day 1000; roll tokens/rolling:PT1H 1000 => done
            record r in=10                                                  => done
            wait 1h
            tick                                                            => done events=WindowReset hour=0/0 day=10/0
            tick                                                            => done events=none
            wait 1d
            tick                                                            => done events=WindowReset
            reserve h tokens=5 ttl=60                                       => done
            wait 1d
            tick                                                            => done events=Expired
            """,
        ["Thresholds_are_announced_once_ascending_and_anew_in_a_new_window"] = """
            policy hour tokens/hour 100 at 0.5,0.8,1,1.5                    => done
            reserve h tokens=90                                             => done announced=none
            settle h u in=90                                                => done announced=hour:0.5#0,hour:0.8#0 events=Settled,ThresholdCrossed,ThresholdCrossed
            record a in=5                                                   => done announced=none
            record b in=100                                                 => done announced=hour:1#0,hour:1.5#0
            status                                                          => done events=none
            wait 1h
            record c in=50                                                  => done announced=hour:0.5#0 events=WindowReset,Recorded,ThresholdCrossed
            record d in=50 at=-1h                                           => done announced=none hour=50/0
            """,
        ["A_threshold_is_reached_exactly_not_nearly"] = """
            policy day tokens/day 999 at 0.333,1                            => done
            record a in=332                                                 => done announced=none day.used=33.233233
            record b in=1                                                   => done announced=day:0.333#0
            record c in=665                                                 => done announced=none day.used=99.899899 day.status=critical
            record d in=1                                                   => done announced=day:1#0 day.used=100 day.status=exceeded
            """,
        ["Percents_are_cut_not_rounded"] = """
            policy day tokens/day 3; whole tokens/month 1000; tiny tokens/lifetime 1 soft => done
            record a in=2                                                   => done day.used=66.666666 whole.used=0.2 tiny.used=200
            record b in=1 out=1                                             => done day.used=133.333333 whole.used=0.4
            reserve h tokens=0                                              => done
            record c in=121                                                 => done whole.used=12.5 whole.committed=12.5 tiny.used=12500
            record d in=875                                                 => done whole.used=100 whole.status=exceeded
            """,
        ["A_raised_limit_arms_its_thresholds_anew"] = """
            policy day tokens/day 100 at 0.5,1                              => done
            record a in=100                                                 => done announced=day:0.5#0,day:1#0
            override o day +100 until=1h                                    => done events=OverrideAdded,ThresholdRearmed day=100/0 day.amount=200
            record b in=100                                                 => done announced=day:1#1
            wait 1h
            record c in=1                                                   => done announced=none day=201/0 day.amount=100
            policy day tokens/day 1000 at 0.5,1                             => done events=PolicyChanged,ThresholdRearmed
            record d in=300                                                 => done announced=day:0.5#2
            """,
        ["Changed_thresholds_remember_the_ratios_that_were_announced"] = """
            policy day tokens/day 100 at 0.5,0.75                           => done
            record a in=80                                                  => done announced=day:0.5#0,day:0.75#0
            policy day tokens/day 100 at 0.4,0.75,0.78,0.9                  => done announced=day:0.4#0,day:0.78#0
            record b in=10                                                  => done announced=day:0.9#0
            """,
        ["A_rolling_window_arms_anew_below_the_ratio_even_when_nobody_looked"] = """
            policy roll tokens/rolling:PT1H 100 at 0.5                      => done
            record a in=60                                                  => done announced=roll:0.5#0
            record b in=20                                                  => done announced=none
            wait 2h
            record c in=60                                                  => done announced=roll:0.5#1
            wait 2h
            record d in=10                                                  => done announced=none events=Recorded,ThresholdRearmed
            record e in=40                                                  => done announced=roll:0.5#2
            """,
        ["A_future_record_is_announced_when_its_window_opens"] = """
            policy hour tokens/hour 100 at 0.5                              => done
            record now in=1                                                 => done announced=none
            record later in=60 at=1h                                        => done announced=none
            wait 1h
            tick                                                            => done announced=hour:0.5#0 hour=60/0
            """,
        ["Rolling_windows_let_go_bucket_by_bucket"] = """
            policy roll tokens/rolling:PT1H 100                             => done
            at 2026-03-02T10:00:30
            record a in=60                                                  => done roll.resets=2026-03-02T11:01
            at 2026-03-02T10:30:30
            record b in=40                                                  => done roll=100/0
            reserve h tokens=30                                             => refused roll.retry=1830 suggest=wait:1830,override:roll:30
            reserve h tokens=70                                             => refused roll.retry=3630
            at 2026-03-02T11:00:59
            reserve h tokens=30                                             => refused
            at 2026-03-02T11:01
            reserve h tokens=60                                             => done roll=40/60
            """,
        ["A_session_counts_from_its_first_call_until_a_day_after_its_last"] = """
            policy sess tokens/session 1000; own tokens/session 10 match model=big => done
            record a in=100 session=s1                                      => done sess[s1]=100/0 sess[s1].start=2026-03-02T10:00 sess[s1].resets=2026-03-03T10:00
            record b in=7                                                   => done matches=sess sess[]=7/0
            record c in=5 session=s2 model=big                              => done sess[s2]=5/0 own[s2]=5/0
            wait 23h
            record d in=100 session=s1                                      => done sess[s1]=200/0 sess[s1].start=2026-03-02T10:00 sess[s1].resets=2026-03-04T09:00
            wait 23h
            reserve h tokens=801 session=s1                                 => refused blocked=sess sess.retry=3600
            wait 1h
            reserve h tokens=801 session=s1                                 => done sess[s1]=0/801
            """,
        ["Erasing_records_changes_no_counter"] = """
            erase                                                           => unknown-account
            policy day tokens/day 5000                                      => done
            record a in=500 user=ann                                        => done day=500/0
            erase user=ann                                                  => done events=UsageErased
            record a in=500 user=ann                                        => done events=none day=500/0
            record b in=500 user=ann                                        => done day=1000/0
            """,
        ["A_closed_session_begins_anew_and_its_holds_do_not_come_back"] = """
            policy sess tokens/session 1000; day tokens/day 5000            => done
            record a in=500 session=s1                                      => done
            reserve h tokens=400 session=s1                                 => done sess[s1]=500/400
            close s1                                                        => done events=SessionClosed
            close s1                                                        => done events=none
            status                                                          => done shown=day day=500/400
            reserve g tokens=1000 session=s1                                => done sess[s1]=0/1000
            release h                                                       => done sess[s1]=0/1000 day=500/1000
            reserve f tokens=1 session=s1                                   => refused blocked=sess
            settle g u in=900 session=s1                                    => done sess[s1]=900/0
            """,
        ["A_correction_of_a_charge_does_not_reach_into_a_later_session"] = """
            policy sess tokens/session 1000 with expiry=charge              => done
            reserve h tokens=400 session=s1 ttl=60                          => done
            wait 1m
            tick                                                            => done sess[s1]=400/0
            close s1                                                        => done
            record a in=10 session=s1                                       => done sess[s1]=10/0
            settle h u in=100 session=s1                                    => done tokens=-300 sess[s1]=10/0
            """,
        ["A_correction_reaches_the_session_that_its_charge_began"] = """
            policy sess tokens/session 1000 with expiry=charge              => done
            reserve h tokens=400 session=s1 ttl=86400                       => done
            wait 1d
            tick                                                            => done sess[s1]=400/0 sess[s1].start=2026-03-03T10:00
            wait 1h
            settle h u in=100                                               => done tokens=-300 sess[s1]=100/0 sess[s1].resets=2026-03-04T10:00
            close s1                                                        => done
            record a in=10 session=s1                                       => done sess[s1]=10/0
            """,
        ["A_failure_after_its_charge_reaches_no_later_session_and_prolongs_none"] = """
            policy sess tokens/session 1000 with expiry=charge              => done
            reserve h tokens=400 session=s1 ttl=60                          => done
            reserve g tokens=300 session=s2 ttl=86400                       => done
            wait 1m
            tick                                                            => done sess[s1]=400/0
            close s1                                                        => done
            record a in=10 session=s1                                       => done sess[s1]=10/0
            settle h u in=100 session=s1 failed                             => done tokens=100 sess[s1]=10/0
            wait 1d
            tick                                                            => done sess[s2]=300/0 sess[s2].resets=2026-03-04T10:01
            wait 1h
            settle g v in=100 failed                                        => done tokens=100 sess[s2]=100/0 sess[s2].resets=2026-03-04T10:01
            """,
        ["A_charge_and_its_corrections_are_one_amount_for_a_limit_that_comes_later"] = """
            policy day tokens/day none with expiry=charge                   => done
            reserve h tokens=51 user=ann session=s1                         => done
            wait 15m
            tick                                                            => done events=Expired
            wait 1h
            settle h u in=31                                                => done tokens=-20
            policy sess tokens/session 100; life inputTokens/lifetime 100 with expiry=charge => done sess[s1]=31/0 life=31/0
            wait 5d
            reserve g tokens=51 session=s2                                  => done
            wait 15m
            tick                                                            => done
            wait 5d
            settle g v in=31                                                => done tokens=-20
            policy two tokens/session 100; life outputTokens/lifetime 100   => done life=0/0
            status                                                          => done shown=life
            """,
        ["A_correction_whose_charge_is_gone_takes_nothing_off"] = """
            policy day tokens/day none with expiry=charge                   => done
            reserve h tokens=51                                             => done
            wait 2d
            tick                                                            => done
            record a in=100 model=small cost=1                              => done
            record b in=100 model=small                                     => done
            wait 1d
            settle h u in=31                                                => done tokens=-20
            purge 2026-03-05T00:00
            policy life tokens/lifetime 1000                                => done life=0/0
            purge 2026-03-04T12:00
            policy ever tokens/lifetime 1000                                => done ever=0/0
            purge 2026-03-01T00:00
            policy all tokens/lifetime 1000                                 => done all=231/0
            """,
        ["Amounts_added_to_a_hold_belong_to_the_windows_of_their_own_moment_for_a_limit_that_comes_later"] = """
            at 2026-03-02T10:55
            policy life tokens/lifetime none                                => done
            reserve h tokens=200 ttl=3600                                   => done
            at 2026-03-02T11:09
            extend h e tokens=198 ttl=3600                                  => done
            extend h f tokens=2 ttl=3600 model=big                          => done
            restart
            policy hour tokens/hour 1100; big tokens/hour 5 match model=big => done hour=0/200 big=0/2
            reserve g tokens=901                                            => refused blocked=hour
            at 2026-03-02T11:50
            settle h u in=100 partial                                       => done hour=0/200
            settle h v in=150                                               => done hour=0/0 big=0/0
            """,
        ["A_call_without_a_session_counts_under_no_name"] = """
            policy sess tokens/session 500                                  => done
            reserve h tokens=1000000000                                     => refused blocked=sess
            reserve h tokens=400                                            => done matches=sess sess[]=0/400
            check tokens=101                                                => done allowed=no
            check tokens=101 session=s1                                     => done allowed=yes
            settle h u in=300 session=s2                                    => done sess[]=0/0 sess[s2]=300/0
            record a in=450                                                 => done sess[]=450/0
            policy other tokens/session 500                                 => done other[]=450/0 other[s2]=300/0
            wait 1d
            reserve i tokens=500                                            => done
            """,
        ["A_hold_in_a_session_that_outlives_a_day_is_given_back_whole"] = """
            policy sess tokens/session 1000                                 => done
            reserve h tokens=400 session=s1 ttl=86400                       => done sess[s1]=0/400
            wait 23h
            record a in=1 session=s1                                        => done sess[s1]=1/400
            extend h e ttl=86400                                            => done
            wait 2h
            settle h u in=100                                               => done late=no sess[s1]=101/0
            """,
        ["What_is_used_is_judged_when_an_override_ends_and_when_a_cut_begins"] = """
            policy day tokens/day 100; who tokens/day 100 each user         => done
            override o day +100 until=3m                                    => done
            override p who +100 until=3m key=ann                            => done
            record r in=120 user=ann                                        => done announced=day:0.5#0,who:0.5#0
            wait 3m
            tick                                                            => done events=OverrideEnded,OverrideEnded,ThresholdCrossed,ThresholdCrossed,ThresholdCrossed,ThresholdCrossed,ThresholdCrossed,ThresholdCrossed announced=day:0.75#0,day:0.9#0,day:1#0,who:0.75#0,who:0.9#0,who:1#0
            tick                                                            => done events=none day.status=exceeded
            policy day tokens/day 1000                                      => done
            record s in=400                                                 => done announced=day:0.5#1
            override c day -700 cut from=1m until=1h                        => done announced=none
            wait 1m
            tick                                                            => done events=OverrideBegan,ThresholdCrossed,ThresholdCrossed,ThresholdCrossed
            """,
        ["What_was_dated_into_a_window_is_judged_when_it_opens"] = """
            policy hour tokens/hour 100; who tokens/hour 100 each user      => done
            record r in=80 user=ann at=2026-03-02T11:30                     => done announced=none
            record s in=95 at=2026-03-02T13:00                              => done announced=none
            at 2026-03-02T11:00
            tick                                                            => done events=WindowOpened,WindowOpened,ThresholdCrossed,ThresholdCrossed,ThresholdCrossed,ThresholdCrossed announced=hour:0.5#0,hour:0.75#0,who:0.5#0,who:0.75#0
            tick                                                            => done events=none
            at 2026-03-02T13:30
            tick                                                            => done announced=hour:0.5#0,hour:0.75#0,hour:0.9#0,who:0.5#0,who:0.75#0,who:0.9#0
            """,
        ["A_soft_limit_that_is_passed_is_a_warning"] = """
            policy day tokens/day 100 soft; hour tokens/hour 1000; watch tokens/day 50 shadow => done
            reserve h tokens=100                                            => done warns=none shadows=watch day.enforcement=soft hour.enforcement=hard
            check tokens=1                                                  => done allowed=yes warns=day
            reserve g tokens=901                                            => refused blocked=hour warns=day
            reserve g tokens=500                                            => done warns=day day.requested=500
            extend g e tokens=1                                             => done warns=day
            """,
        ["Waiting_for_an_extension_never_goes_beyond_the_life_of_the_hold"] = """
            policy day tokens/day 100; minute tokens/minute 100             => done
            reserve h tokens=90 ttl=3600                                    => done
            extend h e tokens=20                                            => refused blocked=day,minute day.retry=never minute.retry=60 suggest=override:day:10,override:minute:10
            extend h f tokens=20 ttl=86400                                  => refused day.retry=never minute.retry=60
            """,
        ["A_repeated_reserve_of_what_has_run_out_is_a_conflict"] = """
            policy day tokens/day 100                                       => done
            reserve h tokens=90 ttl=60                                      => done
            reserve h tokens=90 ttl=60                                      => done events=none
            wait 1m
            reserve h tokens=90 ttl=60                                      => conflict state=expired
            reserve h tokens=91 ttl=60                                      => mismatch
            policy day tokens/day 100 with expiry=charge                    => done
            reserve g tokens=10 ttl=60                                      => done
            wait 1m
            reserve g tokens=10 ttl=60                                      => conflict state=charged
            reserve i tokens=10 ttl=60                                      => done
            settle i u unknown                                              => done
            reserve i tokens=10 ttl=60                                      => done state=charged
            """,
        ["A_call_waits_for_an_override_to_begin_and_for_a_cut_to_end"] = """
            policy day tokens/day 100; who tokens/day 100 each user         => done
            override o day +100 from=1h until=2h                            => done state=scheduled
            reserve h tokens=150 user=bob                                   => refused blocked=day,who day.retry=3600 who.retry=never
            reserve h tokens=201                                            => refused day.retry=never
            override c who -50 cut key=ann until=3h                         => done
            reserve h tokens=80 user=ann                                    => refused blocked=who who.retry=10800
            reserve h tokens=80 user=bob                                    => done
            """,
        ["What_a_call_has_of_its_own_is_free_with_the_call_and_what_returns_pays_for_others"] = """
            policy calls requests/day 2                                     => done
            reserve lent tokens=100 ttl=3600                                => done calls=0/1
            reserve one tokens=10 ttl=60 from=lent                          => done calls=0/1
            reserve two tokens=10 ttl=120 from=lent                         => done calls=0/2
            reserve x tokens=1                                              => refused calls.retry=120
            reserve y tokens=10 from=lent                                   => refused calls.retry=60
            wait 60s
            reserve y tokens=10 from=lent                                   => done calls=0/2
            """,
        ["What_is_suggested_for_an_extension_is_no_request_of_its_own"] = """
            policy day tokens/day 100; calls requests/day 1                 => done
            reserve h in=10 max=40                                          => done day=0/50 calls=0/1
            extend h e max=100                                              => refused blocked=day suggest=max:50,override:day:50
            extend h e max=50                                               => done day=0/100
            """,
        ["A_call_waits_for_the_grace_of_the_next_window"] = """
            policy day tokens/day 100 grace 10/15                           => done
            reserve a tokens=110 ttl=80000                                  => done events=Held,GraceBegan
            reserve b tokens=105                                            => refused day.retry=50400
            reserve c tokens=111                                            => refused day.retry=never
            """,
        ["An_override_raises_no_limit_that_took_over_the_name_with_another_unit"] = """
            policy day cost/day 10                                          => done
            override o day +5 until=4h                                      => done day.amount=15
            policy day tokens/day 100                                       => done day.amount=100
            reserve h tokens=101                                            => refused blocked=day
            overrides                                                       => done overrides=o:active
            policy month tokens/month 100                                   => done
            policy day requests/day 3                                       => done day.amount=3
            policy day cost/hour 10                                         => done day.amount=15
            """,
        ["An_override_that_is_ended_says_when"] = """
            policy day tokens/day 100                                       => done
            override o day +100 until=2h                                    => done
            wait 1h
            drop o                                                          => done state=ended expires=2026-03-02T11:00
            wait 1h
            drop o                                                          => done state=ended expires=2026-03-02T11:00 events=none
            """,
        ["The_same_policy_again_is_no_change"] = """
            policy day tokens/day 100 with anchor=5                         => done version=1
            policy day tokens/day 100 with anchor=5                         => done version=1 events=none
            default day tokens/day 7; hour tokens/hour 5
            policy day tokens/day 100 with anchor=5                         => done version=1 events=PolicyChanged in-force=hour#2,day#1
            policy day tokens/day 100                                       => done version=2
            """,
        ["Ids_of_dots_and_those_of_the_budget_itself_are_refused"] = """
            policy day tokens/day 100                                       => done
            reserve . tokens=1                                              => invalid id
            reserve expiry:x tokens=1                                       => invalid id
            reserve h tokens=1                                              => done
            extend h .. ttl=60                                              => invalid id
            settle h .. in=1                                                => invalid id
            record ... in=1                                                 => invalid id
            override .. day +1 until=1h                                     => invalid id
            override reversal:x day +1 until=1h                             => invalid id
            override .x day +1 until=1h                                     => done
            """,
        ["An_override_raises_a_limit_for_a_time"] = """
            policy day tokens/day 100; hour tokens/hour none                => done
            override o day +50 until=1h                                     => done state=active day.amount=150 day.remaining=150
            override o day +50 until=1h                                     => done state=active events=none
            override o day +51 until=1h                                     => mismatch
            override p day +25 until=2h                                     => done day.amount=175
            reserve h tokens=175 ttl=86400                                         => done
            wait 1h
            status                                                          => done day.amount=125 day.remaining=0 day=0/175 overrides=p:active
            overrides                                                       => done overrides=o:ended,p:active
            drop p                                                          => done state=ended day.amount=100 events=OverrideRemoved
            drop p                                                          => done state=ended events=none
            overrides                                                       => done overrides=o:ended,p:ended
            override o day +50 until=1h                                     => mismatch
            """,
        ["A_lapsed_override_leaves_no_room_and_takes_nothing_back"] = """
            policy day tokens/day 100                                       => done
            override o day +100 until=5m                                    => done
            reserve h tokens=180                                            => done
            wait 5m
            reserve g tokens=1                                              => refused day=0/180
            settle h u in=180                                               => done day=180/0 day.remaining=0 day.used=180
            """,
        ["An_override_may_be_scheduled_and_for_one_key"] = """
            policy who tokens/day 100 each user                             => done
            override o who +50 key=ann from=1h until=2h                     => done state=scheduled
            reserve a tokens=101 user=ann                                   => refused
            wait 1h
            reserve a tokens=150 user=ann ttl=86400                                 => done who[ann].amount=150
            reserve b tokens=101 user=bob                                   => refused
            wait 1h
            reserve c tokens=1 user=ann                                     => refused
            override p who +5 from=3h until=2h                              => invalid startsAt
            override q who +5 until=-1h                                     => invalid expiresAt
            """,
        ["An_override_by_window_and_unit_raises_every_such_limit"] = """
            policy a tokens/day 100; b tokens/day 200 match model=big; c tokens/hour 10 => done
            override o tokens/day +50 until=1h                              => done a.amount=150 b.amount=250 c.amount=10
            override p cost/day +1 until=1h                                 => unprocessable window
            """,
        ["A_cut_lowers_a_limit_but_not_below_nothing"] = """
            policy day tokens/day 100                                       => done
            override o day -30 until=1h                                     => invalid additional
            override o day +30 until=1h cut                                 => invalid cut
            override o day 0 until=1h                                       => invalid additional
            override o day -30 until=1h cut                                 => done day.amount=70
            override p day -100 until=1h cut                                => done day.amount=0 day.used=100
            reserve h tokens=1                                              => refused
            drop p                                                          => done day.amount=70
            reserve h tokens=70                                             => done
            """,
        ["Overrides_that_can_not_help_are_refused"] = """
            policy day tokens/day 100; open tokens/hour none                => done
            override o nowhere +1 until=1h                                  => unprocessable limitId
            override o open +1 until=1h                                     => unprocessable limitId
            override o day +1 key=ann until=1h                              => unprocessable key
            override o day +1 reason=" " until=1h                           => invalid reason
            override o day +1 by=" " until=1h                               => invalid by
            policy day tokens/day 100 with overrides=no                     => done
            override o day +1 until=1h                                      => unprocessable limitId
            """,
        ["An_override_without_an_end_in_sight_is_no_crash"] = """
            policy day tokens/day 100                                       => done
            override o day +1 until=9999-12-31T23:59                        => done day.amount=101
            override p day +1 until=9999-12-31T23:59                        => done day.amount=102
            """,
        ["A_paused_account_refuses_new_calls_but_books_what_was_made"] = """
            policy day tokens/day 1000                                      => done
            reserve h tokens=100                                            => done
            pause payment overdue                                           => done is-paused=yes reason="payment overdue" events=AccountPaused
            pause payment overdue                                           => done events=none
            reserve g tokens=1                                              => paused blocked=none reason="payment overdue" day=0/100
            reserve g tokens=5000                                           => paused blocked=day
            check tokens=1                                                  => done allowed=no reason="payment overdue"
            reserve h tokens=100                                            => done events=none
            extend h e1 max=10                                              => paused
            extend h e2 ttl=60                                              => done
            record r in=1                                                   => done
            settle h u in=100                                               => done day=101/0
            pause                                                           => done reason=none
            reserve g tokens=1                                              => paused reason="the account is paused"
            resume                                                          => done is-paused=no events=AccountResumed
            resume                                                          => done events=none
            reserve g tokens=1                                              => done
            """,
        ["A_policy_change_keeps_usage_and_holds_under_the_new_limits"] = """
            policy day tokens/day 1000                                      => done in-force=day#1
            record r in=100                                                 => done
            reserve h tokens=200                                            => done day=100/200
            policy day tokens/day 500; hour tokens/hour 600                 => done in-force=day#1,hour#2 version=2 day=100/200 hour=100/200
            reserve g tokens=201                                            => refused blocked=day
            settle h u in=50                                                => done day=150/0 hour=150/0
            policy hour tokens/hour 600 each user                           => done in-force=hour#3 hour[]=150/0
            policy day tokens/day 500                                       => done in-force=day#4 day=150/0
            """,
        ["A_reshaped_limit_begins_with_the_usage_of_its_own_windows"] = """
            policy day tokens/day 1000                                      => done
            record old in=10 at=-2d                                         => done
            record early in=20 at=2026-03-02T01:30                          => done
            record r in=40 user=ann model=big                               => done day=60/0
            policy day tokens/month 1000; ann tokens/day 500 match user=a*; who tokens/week 300 each user; roll tokens/rolling:P1D 900; life tokens/lifetime 900 => done day=60/0 ann=40/0 who[]=20/0 who[ann]=40/0 roll=60/0 life=70/0
            policy day tokens/month 1000; roll tokens/rolling:P3D 900       => done day=60/0 roll=70/0
            """,
        ["Another_zone_moves_only_the_windows_that_depend_on_it"] = """
            policy day tokens/day 1000; week tokens/week 1000; life tokens/lifetime 1000; roll tokens/rolling:PT1H 1000; month tokens/month 100 => done in-force=day#1,week#2,life#3,roll#4,month#5
            record r in=10 at=2026-03-02T03:00                              => done day=10/0
            policy day tokens/day 1000; week tokens/week 1000; life tokens/lifetime 1000; roll tokens/rolling:PT1H 1000; month tokens/month 100 with week=Sunday => done in-force=day#1,week#6,life#3,roll#4,month#5 week=10/0
            policy day tokens/day 1000; week tokens/week 1000; life tokens/lifetime 1000; roll tokens/rolling:PT1H 1000; month tokens/month 100 with zone=America/New_York week=Sunday => done in-force=day#7,week#8,life#3,roll#4,month#9 day=0/0 week=10/0 life=10/0 day.start=2026-03-02T05:00
            """,
        ["A_new_session_limit_counts_the_session_that_is_running"] = """
            at 2026-03-03T10:00
            policy day tokens/day none                                      => done
            record ended in=1 session=s1                                    => done
            at 2026-03-05T09:00
            record first in=10 session=s1                                   => done
            at 2026-03-06T08:00
            record next in=20 session=s1                                    => done
            reserve h tokens=400 session=s1 ttl=86400                       => done
            reserve g tokens=40 session=s2 ttl=86400                        => done
            at 2026-03-07T07:00
            policy sess tokens/session 500                                  => done sess[s1]=30/400 sess[s1].start=2026-03-05T09:00 sess[s2]=0/40
            reserve f tokens=71 session=s1                                  => refused
            settle h u in=50                                                => done sess[s1]=80/0
            """,
        ["A_charge_in_the_step_that_reshapes_a_limit_is_counted"] = """
            policy day tokens/day 1000 with expiry=charge                   => done
            reserve h tokens=200 ttl=60                                     => done
            wait 1m
            policy hour tokens/hour 500                                     => done hour=200/0 events=Expired,PolicyChanged
            """,
        ["A_policy_is_set_only_at_the_version_that_was_read"] = """
            policy day tokens/day 1000 with if=1                            => version
            policy day tokens/day 1000 with if=0                            => done version=1
            policy day tokens/day 1000 with if=0                            => version
            policy day tokens/day 1000 with if=1                            => done version=1 events=none
            policy day tokens/day 2000 with if=1                            => done version=2
            get-policy                                                      => done version=2 in-force=day#1
            """,
        ["A_currency_changes_only_while_nothing_is_booked"] = """
            policy money cost/day 1 with currency=EUR                       => done
            policy money cost/day 1                                         => done
            record r in=100 model=small                                     => done currency=USD
            policy money cost/day 1 with currency=EUR                       => unprocessable currency
            policy money cost/day 2 with currency=USD                       => done money=0.0001/0
            default with currency=EUR
            policy money cost/day 3                                         => done
            record s in=100 model=small                                     => done currency=USD money=0.0002/0
            """,
        ["A_newer_default_policy_is_adopted_at_the_next_command"] = """
            default day tokens/day 100; month tokens/month 1000
            reserve h tokens=60                                             => done events=PolicyChanged,Held day=0/60 month=0/60
            policy day tokens/day 500                                       => done in-force=month#2,day#1 day=0/60
            default day tokens/day 50; hour tokens/hour 70
            status                                                          => done events=PolicyChanged shown=day,hour day.amount=500 hour=0/60
            reserve g tokens=11                                             => refused blocked=hour
            default with currency=EUR
            settle h u in=10 model=small                                    => done currency=USD day=10/0
            """,
        ["Grace_lets_calls_go_beyond_a_hard_limit_for_some_minutes_once_in_a_window"] = """
            policy day tokens/day 100 grace 10/15                           => done
            reserve a tokens=100 ttl=80000                                  => done events=Held
            reserve b tokens=11                                             => refused blocked=day
            reserve c tokens=10 ttl=80000                                   => done events=Held,GraceBegan day=0/110
            wait 15m
            reserve d tokens=1                                              => refused blocked=day
            policy day tokens/day 100 soft grace 10/15                      => invalid limits[0].grace
            policy day tokens/rolling:PT1H 100 grace 10/15                  => invalid limits[0].grace
            """,
        ["What_others_used_in_their_first_days_is_noted_with_the_first_call_and_decides_nothing"] = """
            policy day tokens/day 100                                       => done
            first-days
            reserve h tokens=101                                            => refused events=none
            reserve h tokens=100                                            => done events=FirstDaysKnown,Held day=0/100
            release h                                                       => done events=Released
            record u in=1 model=small                                       => done events=Recorded day=1/0
            """,
        ["An_account_that_was_only_refused_or_asked_leaves_nothing_behind"] = """
            default day tokens/day 100
            status                                                          => done shown=day events=none
            get-policy                                                      => unknown-account
            overrides                                                       => unknown-account
            resume                                                          => unknown-account
            close s                                                         => unknown-account
            reserve h tokens=101                                            => refused events=none
            check tokens=1                                                  => done allowed=yes events=none
            tick                                                            => done events=none
            get h                                                           => not-found
            status                                                          => done shown=day events=none
            reserve h tokens=100                                            => done events=PolicyChanged,Held
            status                                                          => done day=0/100
            """,
        ["Unknown_accounts_may_be_refused_altogether"] = """
            refuse-unknown-accounts
            reserve h tokens=-1                                             => unknown-account
            record r in=1                                                   => unknown-account
            check tokens=1                                                  => unknown-account
            pause                                                           => unknown-account
            policy day tokens/day 100                                       => done
            record r in=1                                                   => done
            """,
        ["A_fresh_account_records_and_holds_without_limits"] = """
            reserve h tokens=1000000                                        => done matches=none
            record r in=10 model=small                                      => done cost=0.00001
            status                                                          => done account=healthy shown=none active=1 reserved=1000000
            """,
        ["The_status_of_an_account_is_its_worst_limit"] = """
            policy a tokens/day 100; b tokens/month 1000 with levels=0.5,0.6,0.7 => done
            record r in=55                                                  => done
            status                                                          => done account=warning a.status=warning b.status=healthy
            record s in=10                                                  => done
            status                                                          => done account=critical
            record t in=5                                                   => done
            status page=1                                                   => done account=exceeded shown=a next=1/
            status page=1 cursor=1/                                         => done shown=b next=none account=exceeded
            status cursor=what                                              => invalid cursor
            status page=0                                                   => invalid limit
            """,
        ["Bad_input_is_named"] = """
            reserve empty tokens=1                                          => invalid id
            reserve h tokens=-1                                             => invalid tokens
            reserve h in=1 tokens=1                                         => invalid tokens
            reserve h in=1 max=-1                                           => invalid maxOutputTokens
            reserve h in=1000000000000001                                   => invalid inputTokens
            reserve h tokens=1 ttl=0                                        => invalid ttlSeconds
            reserve h tokens=1 ttl=86401                                    => invalid ttlSeconds
            reserve h in=1 tools=2                                          => invalid toolTokens
            reserve h cost=-1                                               => invalid cost
            record r in=-1                                                  => invalid inputTokens
            record r in=1 cached=2                                          => invalid inputTokens
            record expiry:h in=1                                            => invalid id
            record reversal:h in=1                                          => invalid id
            policy day tokens/day -1                                        => invalid limits[0].amount
            policy day tokens/day 1; day tokens/hour 1                      => invalid limits[1].id
            policy day tokens/day 1 with zone=Mars/Olympus                  => invalid timeZone
            policy day tokens/day 1 with anchor=32                          => invalid monthAnchorDay
            policy day tokens/day 1 at 0.9,0.5                              => invalid limits[0].thresholds[1].ratio
            policy day tokens/day 1 each color                              => invalid limits[0].each
            policy day tokens/day 1 match color=red                         => invalid limits[0].match.color
            """,
        ["A_clock_that_goes_back_changes_nothing"] = """
            policy hour tokens/hour 100                                     => done
            record r in=10                                                  => done hour=10/0
            at 2026-03-02T08:00
            record s in=10                                                  => done
            at 2026-03-02T10:00
            status                                                          => done hour=20/0
            """,
    };

    public static TheoryData<string> Rules => new(rules.Keys);

    [Theory]
    [MemberData(nameof(Rules))]
    public void It_holds_that(string rule) => Table.Run(rules[rule]);

    /// <summary>One budget and one command that fails every check at once, mended step by step: what is checked first stands
    /// first.</summary>
    [Fact]
    public void Outcomes_are_given_in_the_order_of_their_precedence()
    {
        var table = Table.Run("""
            default day tokens/day 100
            refuse-unknown-accounts
            # An unknown account comes before a bad id.
            reserve empty tokens=1                                          => unknown-account
            policy day tokens/day 100                                       => done
            reserve used tokens=10                                          => done
            settle used paid in=10                                          => done
            pause no money                                                  => done
            # Bad input comes before an id that is taken, and that before everything it would meet.
            settle missing paid in=-1                                       => invalid inputTokens
            settle missing paid in=1                                        => mismatch
            settle missing other in=1                                       => not-found
            settle used other in=1                                          => conflict
            policy day cost/day 1 with currency=EUR if=7                    => version
            policy day cost/day 1 with currency=EUR if=1                    => unprocessable currency
            # A paused account says so before it looks at what would not fit; silence is said even before.
            reserve new                                                     => unprocessable inputTokens
            reserve new tokens=1000                                         => paused
            resume                                                          => done
            reserve new tokens=1000                                         => refused
            reserve new tokens=90                                           => done
            """);
        var engineOnly = new[] { OutcomeStatus.Unavailable, OutcomeStatus.Moved };
        Assert.Equal(Enum.GetValues<OutcomeStatus>().Except(engineOnly).Order(), table.Statuses.Order());
        Assert.All(Enum.GetValues<OutcomeStatus>(), status => Assert.Equal(engineOnly.Contains(status), new Outcome(status).IsTransient));
    }

    [Fact]
    public void Every_command_every_event_and_every_answer_is_exercised()
    {
        var tables = rules.Values.Select(Table.Run).ToList();
        Assert.Equal(Cases<BudgetCommand>(), Names(tables.SelectMany(table => table.Commands)));
        Assert.Equal(Cases<BudgetEvent>(), Names(tables.SelectMany(table => table.Events)));

        static IEnumerable<string> Cases<T>() =>
            Names(typeof(T).Assembly.GetTypes().Where(type => !type.IsAbstract && type.IsAssignableTo(typeof(T))));
        static IEnumerable<string> Names(IEnumerable<Type> types) => types.Select(type => type.Name).Distinct()
            .Order(StringComparer.Ordinal);
    }

    [Fact]
    public void Every_command_and_every_event_has_a_name_in_storage()
    {
        Assert.All(new[] { typeof(BudgetCommand), typeof(BudgetEvent), typeof(Answer) }, parent =>
        {
            var named = parent.GetCustomAttributes(typeof(JsonDerivedTypeAttribute), false).Cast<JsonDerivedTypeAttribute>().ToList();
            var types = parent.Assembly.GetTypes().Where(type => !type.IsAbstract && type.IsAssignableTo(parent));
            Assert.Equal(types.Select(type => type.Name).Order(StringComparer.Ordinal), named.Select(name => name.DerivedType.Name)
                .Order(StringComparer.Ordinal));
            Assert.Equal(named.Count, named.Select(name => name.TypeDiscriminator).Distinct().Count());
        });
    }
}
