// Adaptive limits, as a table: which measure is taken, what it changes, what it saves, and when nothing helps.
namespace Purser.Core.Tests;

public sealed class DegradingTable
{
    static readonly Dictionary<string, string> rules = new()
    {
        ["The_output_is_reduced_to_the_largest_that_fits"] = """
            policy day tokens/day 500 adaptive                              => done
            check in=100 max=1000 model=small                               => done allowed=yes changes="reduce max:400 saves:0.0012" events=none
            reserve h in=100 max=1000 model=small                           => done changes="reduce max:400 saves:0.0012" tokens=500 cost=0.0009 day=0/500
            reserve h in=100 max=1000 model=small                           => done changes="reduce max:400 saves:0.0012" events=none
            restart
            reserve h in=100 max=1000 model=small                           => done changes="reduce max:400 saves:0.0012" events=none
            reserve h in=100 max=1001 model=small                           => mismatch
            settle h u in=100 out=390                                       => done day=490/0
            """,
        ["A_call_that_fits_is_not_touched"] = """
            policy day tokens/day 500 adaptive with measures=reduce,temperature => done
            reserve h in=100 max=400 temperature=1                          => done changes=none tokens=500
            """,
        ["The_output_is_not_reduced_below_the_least_that_is_useful"] = """
            policy day tokens/day 150 adaptive                              => done
            reserve h in=100 max=100                                        => done changes="reduce max:50" tokens=150
            release h                                                       => done
            reserve h2 in=101 max=100                                       => refused blocked=day suggest=max:49,override:day:51 day=0/0
            policy day tokens/day 150 adaptive with least=49                => done
            reserve h2 in=101 max=100                                       => done changes="reduce max:49"
            """,
        ["Money_decides_to_the_last_nano"] = """
            policy money cost/day 0.001 adaptive                            => done
            check in=100 max=1000 model=small                               => done changes="reduce max:450 saves:0.0011" 
            check in=101 max=1000 model=small                               => done changes="reduce max:449 saves:0.001102"
            check in=1000 max=1000 model=small                              => done allowed=no blocked=money suggest=override:money:0.002
            """,
        ["Fallback_models_are_tried_in_order_and_cost_what_they_cost"] = """
            policy money cost/day 0.01 adaptive with measures=smaller models=anthropic/wise,small => done
            check in=100 max=400 model=big                                  => done allowed=yes changes=none
            check in=100 max=500 model=big                                  => done changes="smaller openai/small saves:0.0099"
            check in=100 max=300 model=dear                                 => done changes="smaller anthropic/wise saves:399999.992"
            reserve h in=100 max=500 model=big                              => done cost=0.0011 money=0/0.0011
            settle h u in=100 out=500                                       => done cost=0.0011
            """,
        ["A_later_measure_is_used_only_where_the_earlier_do_not_suffice"] = """
            policy money cost/day 0.001 adaptive with measures=reduce,smaller models=small => done
            check in=10 max=100 model=big                                   => done changes="smaller openai/small saves:0.00189"
            check in=1 max=60 model=big                                     => done changes="smaller openai/small saves:0.001089"
            check in=100 max=1000 model=big                                 => done changes="reduce+smaller openai/small max:450 saves:0.02"
            policy money cost/day 0.003 adaptive with measures=reduce,smaller models=small => done
            check in=100 max=1000 model=big                                 => done changes="reduce max:100 saves:0.018"
            """,
        ["Limits_are_matched_anew_for_the_fallback_model"] = """
            policy big tokens/day 100 adaptive match model=big; small tokens/day 300 match model=small with measures=smaller models=small => done
            reserve h in=100 max=100 model=big                              => done changes="smaller openai/small saves:0.0027" matches=small big=0/0 small=0/200
            reserve i in=100 max=100 model=big                              => refused blocked=big
            reserve j in=50 max=50 model=big                                => done changes=none big=0/100
            """,
        ["A_hard_limit_refuses_whatever_could_be_changed"] = """
            policy day tokens/day 100 adaptive; hour tokens/hour 50; money cost/day 1 => done
            reserve h in=10 max=200 model=small                             => refused blocked=day,hour suggest=max:40,override:day:110,override:hour:160
            reserve h in=10 max=40 model=small                              => done
            wait 1h
            reserve i in=10 max=41 model=small                              => refused blocked=hour
            """,
        ["A_hard_limit_of_the_fallback_model_still_refuses"] = """
            policy big tokens/day 100 adaptive match model=big; small tokens/day 100 match model=small with measures=smaller models=small => done
            reserve h in=100 max=100 model=big                              => refused blocked=big
            """,
        ["Tools_are_dropped_where_that_makes_it_fit"] = """
            policy day tokens/day 300 adaptive with measures=tools,reduce   => done
            check in=250 tools=100 max=150                                  => done changes="tools no-tools"
            check in=250 tools=100 max=200                                  => done changes="tools+reduce max:150 no-tools"
            check in=250 max=150                                            => done changes="reduce max:50"
            check tokens=350 tools=100                                      => done changes="tools no-tools"
            """,
        ["A_measure_that_does_not_ease_the_limit_that_blocks_is_not_taken"] = """
            policy day tokens/day 500 adaptive with measures=smaller,tools models=small => done
            check in=480 tools=200 max=100 model=big                        => done changes="tools no-tools saves:0.002"
            policy out outputTokens/day 500 adaptive with measures=tools,smaller,reduce models=small => done
            check in=480 tools=200 max=600 model=big                        => done changes="reduce max:500 saves:0.002"
            policy money cost/day 0.0012 adaptive with measures=smaller,tools,reduce models=small => done
            check in=800 tools=300 max=300 model=big                        => done changes="smaller+tools openai/small no-tools saves:0.0129"
            """,
        ["A_fallback_has_to_hold_the_prompt"] = """
            policy money cost/day 0.001 adaptive with measures=smaller models=short,small => done
            check in=401 max=50 model=big                                   => done changes="smaller openai/small saves:0.004509"
            check in=400 max=50 model=big                                   => done changes="smaller openai/short saves:0.0045"
            policy money cost/day 0.001 with models=short,small             => done
            check in=401 max=50 model=big                                   => done allowed=no suggest=use:openai/small:0.000501,override:money:0.00401
            """,
        ["A_lower_temperature_only_accompanies_another_measure"] = """
            policy day tokens/day 300 adaptive with measures=temperature,reduce => done
            check in=100 max=300 temperature=1                              => done changes="temperature+reduce max:200 temperature:0.3"
            check in=100 max=300 temperature=0.2                            => done changes="reduce max:200"
            check in=100 max=300                                            => done changes="reduce max:200"
            policy day tokens/day 300 adaptive with measures=temperature    => done
            check in=100 max=300 temperature=1                              => done allowed=no changes=none
            """,
        ["A_cost_given_by_the_caller_is_that_of_the_call_as_it_was_asked_for"] = """
            policy money cost/day 0.001 adaptive with measures=smaller models=small => done
            check in=100 max=300 cost=5 model=unheard-of                    => done changes="smaller openai/small saves:4.9993"
            check in=100 max=300 cost=0.0009 model=unheard-of               => done changes=none
            """,
        ["Nothing_is_degraded_in_a_paused_account_or_by_a_limit_that_only_watches"] = """
            policy day tokens/day 100 adaptive shadow                       => done
            reserve h in=100 max=100                                        => done changes=none shadows=day tokens=200
            policy day tokens/day 100 adaptive                              => done
            pause no money                                                  => done
            reserve i in=1 max=1000                                         => paused
            """,
        ["What_is_under_way_is_not_changed_any_more"] = """
            policy day tokens/day 500 adaptive                              => done
            reserve h in=100 max=300                                        => done changes=none
            extend h e max=200                                              => refused blocked=day
            extend h e max=100                                              => done tokens=500
            """,
        ["A_refusal_names_each_fallback_model_that_would_fit"] = """
            policy money cost/day 0.0012 with models=anthropic/wise,small,nobody-knows => done
            reserve h in=100 max=500 model=big                              => refused blocked=money suggest=max:10,use:openai/small:0.0011,override:money:0.0098
            reserve h in=1000 max=10000 model=big                           => refused blocked=money suggest=override:money:0.2088
            """,
        ["The_settings_of_the_account_go_over_the_default_ones"] = """
            default day tokens/day 100 adaptive with measures=reduce least=10
            policy none tokens/day none with least=40                       => done
            check in=65 max=100                                             => done allowed=no
            check in=60 max=100                                             => done changes="reduce max:40"
            """,
    };

    public static TheoryData<string> Rules => new(rules.Keys);

    [Theory]
    [MemberData(nameof(Rules))]
    public void It_holds_that(string rule) => Table.Run(rules[rule]);

    [Theory]
    [InlineData("measures=reduce,reduce", "adaptive.measures[1]")]
    [InlineData("least=0", "adaptive.minOutputTokens")]
    [InlineData("models=small,\"\"", "adaptive.fallbackModels[1]")]
    public void Impossible_settings_are_named(string settings, string field) =>
        Table.Run($"policy day tokens/day 1 with {settings} => invalid {field}");
}
