// What makes no sense is refused before anything is looked up, with the field named as the caller wrote it; what is extreme but sensible is
// not.
using NodaTime;

namespace Purser.Core.Tests;

public sealed class ValidityTests
{
    static readonly Instant now = Instant.FromUtc(2026, 3, 2, 10, 0);

    [Fact]
    public void Every_count_of_a_usage_has_its_name_and_is_looked_at()
    {
        var counted = typeof(UsageParts).GetProperties().Where(one => one.PropertyType == typeof(long)
            || one.PropertyType == typeof(decimal))
            .ToArray();
        Assert.NotEmpty(counted);
        Assert.Equal(counted.Select(one => System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(one.Name)).Order(),
            UsageParts.TokenCounts.Select(count => count.Name).Concat(UsageParts.UnitCounts.Select(count => count.Name)).Order());
        foreach (var one in counted)
        {
            var parts = new UsageParts();
            one.SetValue(parts, Convert.ChangeType(7, one.PropertyType, System.Globalization.CultureInfo.InvariantCulture));
            Assert.Equal(7, UsageParts.TokenCounts.Sum(count => count.Of(parts)) + UsageParts.UnitCounts.Sum(count => count.Of(parts)));
        }
    }

    [Theory]
    [InlineData("acme", true)]
    [InlineData("a", true)]
    [InlineData("Team_1-x.y:z@host", true)]
    [InlineData("..a", true)]
    [InlineData(":", true)]
    [InlineData("", false)]
    [InlineData(".", false)]
    [InlineData("..", false)]
    [InlineData("a b", false)]
    [InlineData("a/b", false)]
    [InlineData("a%2f", false)]
    [InlineData("ä", false)]
    [InlineData("a\n", false)]
    [InlineData("a*", false)]
    [InlineData(null, false)]
    public void Account_ids_are_plain(string? id, bool valid) => Assert.Equal(valid, Validity.IsAccountId(id));

    [Fact]
    public void Account_ids_have_up_to_200_characters()
    {
        Assert.True(Validity.IsAccountId(new('a', 200)));
        Assert.False(Validity.IsAccountId(new('a', 201)));
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("%\\/*?\"'")]
    [InlineData("鍵🔑")]
    public void Ids_may_hold_anything_printable(string id)
    {
        Assert.Null(
            Validity.Problem(
                new Reserve(id, new() { Tokens = 1, Dimensions = new() { User = id, Session = id, Tags = new() { [id] = id } } }), now));
        var desk = new Desk();
        desk.Send(new SetPolicy(new() { Limits = [new() { Id = "who", Window = new(WindowKind.Day), Amount = 10, Each = "user" }] }));
        Assert.Equal(OutcomeStatus.Done, desk.Send(new Reserve(id, new() { Tokens = 4, Dimensions = new() { User = id } })).Status);
        Assert.Equal(4, desk.View("who", id)!.Held.Value);
    }

    // Not inline data: halves of surrogate pairs do not survive in an attribute.
    [Fact]
    public void Ids_hold_nothing_that_can_not_be_kept()
    {
        foreach (var id in new[] { "", "a\tb", "a\0", "\u0085", "\ud800", "a\udc00b", "\udc00\ud800", null }) Refused(id);
    }

    static void Refused(string? id)
    {
        Named("id", new Reserve(id!, new() { Tokens = 1 }));
        Named("reservationId", new Settle(id!, "u", new()));
        Named("id", new Settle("h", id!, new()));
        Named("id", new Record(id!, new()));
        Named("reservationId", new Extend(id!, "e", 1));
        Named("id", new Extend("h", id!, 1));
        Named("reservationId", new Release(id!));
        Named("id", new GetReservation(id!));
        Named("id", new RemoveOverride(id!));
        Named("session", new CloseSession(id!));
    }

    [Fact]
    public void Dimensions_hold_nothing_that_can_not_be_kept()
    {
        foreach (var bad in new[] { "\ud800", "x\udfff", "\u0001" }) RefusedIn(bad);
    }

    static void RefusedIn(string bad)
    {
        Named("orchestrator", Call(new() { Orchestrator = bad }));
        Named("user", Call(new() { User = bad }));
        Named("tenant", Call(new() { Tenant = bad }));
        Named("session", Call(new() { Session = bad }));
        Named("provider", Call(new() { Provider = bad }));
        Named("model", Call(new() { Model = bad }));
        Named("tool", Call(new() { Tool = bad }));
        Named("tags", Call(new() { Tags = new() { ["a"] = bad } }));
        Named("tags", Call(new() { Tags = new() { [bad] = "a" } }));
    }

    [Fact]
    public void Texts_hold_nothing_that_can_not_be_kept()
    {
        Named("requestId", new Record("u", new() { RequestId = "x\0y" }));
        Named("toolCallId", new Record("u", new() { ToolCallId = "\0" }));
        Named("error", new Record("u", new() { Error = "a\0" }));
        Named("tools", new Record("u", new() { Tools = ["search", "x\0"] }));
        Named("reason", new Pause("\0"));
        // What others made up is kept as far as it can be.
        Assert.Equal((null, null, "req-1"), (Validity.IdOrNull("x\0y"), Validity.IdOrNull(new('a', 201)), Validity.IdOrNull("req-1")));
        Assert.Equal(("ab\uFFFD", "🔑", "a"), (Validity.Beginning("ab\0", 3), Validity.Beginning("🔑🔑", 3), Validity.Beginning("a🔑", 2)));
    }

    [Fact]
    public void Dimensions_have_an_end()
    {
        var longest = new string('x', 200);
        Assert.Null(Validity.Problem(Call(new() { Model = longest, Tags = new() { [new('t', 100)] = longest } }), now));
        Named("model", Call(new() { Model = longest + "x" }));
        Named("model", Call(new() { Model = "" }));
        Named("tags", Call(new() { Tags = new() { [new('t', 101)] = "" } }));
        Named("tags", Call(new() { Tags = new() { [""] = "x" } }));
        Named("tags", Call(new() { Tags = new(Enumerable.Range(0, 51).ToDictionary(i => $"t{i}", _ => "")) }));
    }

    [Fact]
    public void The_largest_numbers_are_accepted_and_larger_ones_named()
    {
        const long most = Amounts.LargestTokens;
        Assert.Null(
            Validity.Problem(new Reserve("h", new() { InputTokens = most, MaxOutputTokens = most, CostNanos = Money.LargestNanos }, 86_400),
                now));
        Named("tokens", new Check(new() { Tokens = most + 1 }));
        Named("maxOutputTokens", new Check(new() { MaxOutputTokens = long.MaxValue }));
        Named("cost", new Check(new() { CostNanos = Money.LargestNanos + 1 }));
        Named("cost", new Record("u", new() { CostNanos = long.MaxValue }));
        Named("outputTokens", new Record("u", new() { OutputTokens = long.MaxValue }));
        Named("outputTokens", new Record("u", new() { OutputTokens = long.MinValue }));
        Named("requests", new Record("u", new() { Requests = -1 }));
        Named("durationMs", new Record("u", new() { DurationMs = -1 }));
        Named("pages", new Record("u", new() { Parts = new() { Pages = -0.5m } }));
        Named("queries", new Record("u", new() { Parts = new() { Queries = decimal.MaxValue } }));
    }

    [Fact]
    public void Parts_do_not_exceed_their_total()
    {
        var parts = new UsageParts { CachedInputTokens = 50, CacheWrite5mTokens = 20, AudioInputTokens = 30, ReasoningTokens = 10,
            ImageOutputTokens = 10 };
        Assert.Null(Validity.Problem(new Record("u", new() { InputTokens = 100, OutputTokens = 20, Parts = parts }), now));
        Named("inputTokens", new Record("u", new() { InputTokens = 99, OutputTokens = 20, Parts = parts }));
        Named("outputTokens", new Record("u", new() { InputTokens = 100, OutputTokens = 19, Parts = parts }));
        Named("webSearchContext", new Record("u", new() { Parts = new() { WebSearchContext = "huge" } }));
        // Cached sound and images are parts of what was cached.
        var cached = parts with { CachedAudioInputTokens = 30, CachedImageInputTokens = 20 };
        Assert.Null(Validity.Problem(new Record("u", new() { InputTokens = 100, OutputTokens = 20, Parts = cached }), now));
        Named("cachedInputTokens",
            new Record("u", new() { InputTokens = 100, OutputTokens = 20, Parts = cached with { CachedImageInputTokens = 21 } }));
        Named("cachedAudioInputTokens",
            new Record("u", new() { InputTokens = 100, OutputTokens = 20, Parts = cached with { CachedAudioInputTokens = -1 } }));
    }

    [Fact]
    public void Times_of_usage_are_of_this_age()
    {
        Assert.Null(Validity.Problem(new Record("u", new() { Timestamp = Instant.FromUtc(2000, 1, 1, 0, 0) }), now));
        Assert.Null(Validity.Problem(new Record("u", new() { Timestamp = now + Duration.FromDays(366) }), now));
        Named("timestamp", new Record("u", new() { Timestamp = Instant.FromUnixTimeSeconds(0) }));
        Named("timestamp", new Record("u", new() { Timestamp = now + Duration.FromDays(367) }));
        Named("timestamp", new Record("u", new() { Timestamp = Instant.MaxValue }));
        Named("timestamp", new Settle("h", "u", new() { Timestamp = Instant.MinValue }));
    }

    [Fact]
    public void Long_texts_have_an_end()
    {
        Named("error", new Record("u", new() { Error = new('x', Validity.LongestText + 1) }));
        Named("metadata", new Record("u", new() { Metadata = new('x', Validity.LongestText + 1) }));
        Named("tools", new Record("u", new() { Tools = [""] }));
        Named("tools", new Record("u", new() { Tools = [.. Enumerable.Repeat("t", 101)] }));
        Named("reason", new Pause(new('x', Validity.LongestReason + 1)));
        Named("by", new RemoveOverride("o", new('x', 201)));
        Assert.Null(Validity.Problem(new Record("u", new() { Error = new('x', Validity.LongestText), Tools = ["a", "b"] }), now));
    }

    public static TheoryData<string, Policy> BadPolicies => new()
    {
        { "weekStart", new() { WeekStart = IsoDayOfWeek.None } },
        { "weekStart", new() { WeekStart = (IsoDayOfWeek)8 } },
        { "monthAnchorDay", new() { MonthAnchorDay = 0 } },
        { "timeZone", new() { TimeZone = "" } },
        { "currency", new() { Currency = "usd" } },
        { "currency", new() { Currency = "DOLLAR" } },
        { "unpriced.fallback", new() { Unpriced = new(UnpricedRule.Fallback) } },
        { "holds.defaultTtlSeconds", new() { Holds = new(0) } },
        { "holds.defaultMaxOutputTokens", new() { Holds = new(null, -1) } },
        { "statusLevels", new() { StatusLevels = new(0) } },
        { "statusLevels", new() { StatusLevels = new(0.9m, 0.8m) } },
        { "limits", new() { Limits = [.. Enumerable.Range(0, 201).Select(i => new Limit { Id = $"l{i}" })] } },
        { "limits[0].id", With(new() { Id = "" }) },
        { "limits[0].name", With(new() { Id = "l", Name = new('n', 201) }) },
        { "limits[0].unit", With(new() { Id = "l", Unit = (LimitUnit)9 }) },
        { "limits[0].window", With(new() { Id = "l", Window = new((WindowKind)77) }) },
        { "limits[0].window", With(new() { Id = "l", Window = new(WindowKind.Rolling) }) },
        { "limits[0].window", With(new() { Id = "l", Window = new(WindowKind.Rolling, Duration.FromSeconds(59)) }) },
        { "limits[0].window",
            With(new() { Id = "l", Window = new(WindowKind.Rolling, Duration.FromSeconds(60) + Duration.FromNanoseconds(1)) }) },
        { "limits[0].window", With(new() { Id = "l", Window = new(WindowKind.Day, Duration.FromSeconds(60)) }) },
        { "limits[0].enforcement", With(new() { Id = "l", Enforcement = (Enforcement)3 }) },
        { "limits[0].mode", With(new() { Id = "l", Mode = (LimitMode)(-1) }) },
        { "limits[0].amount", With(new() { Id = "l", Amount = Amounts.LargestTokens + 1 }) },
        { "limits[0].amount", With(new() { Id = "l", Amount = Int128.MaxValue }) },
        { "limits[0].amount", With(new() { Id = "l", Unit = LimitUnit.Cost, Amount = Money.LargestNanos + (Int128)1 }) },
        { "limits[0].each", With(new() { Id = "l", Window = new(WindowKind.Session), Each = "user" }) },
        { "limits[0].each", With(new() { Id = "l", Each = "tags." }) },
        { "limits[0].match.model", With(new() { Id = "l", Match = new() { ["model"] = "" } }) },
        { "limits[0].thresholds", With(new() { Id = "l", Thresholds = [.. Enumerable.Range(1, 33).Select(i => new Threshold(i, "x"))] }) },
        { "limits[0].thresholds[0].ratio", With(new() { Id = "l", Thresholds = [new(0, "x")] }) },
        { "limits[0].thresholds[0].ratio", With(new() { Id = "l", Thresholds = [new(101, "x")] }) },
        { "limits[0].thresholds[0].level", With(new() { Id = "l", Thresholds = [new(1, "")] }) },
        { "limits[0].thresholds[1].ratio", With(new() { Id = "l", Thresholds = [new(1, "x"), new(1, "y")] }) },
    };

    [Theory]
    [MemberData(nameof(BadPolicies))]
    public void A_policy_that_can_not_be_kept_is_refused(string field, Policy policy)
    {
        Assert.Equal(field, Validity.Problem(policy)?.Field);
        Named(field, new SetPolicy(policy));
    }

    [Fact]
    public void The_largest_policy_works()
    {
        var desk = new Desk { Checks = false };
        var limits = Enumerable.Range(0, Validity.MostLimits).Select(i => new Limit
        {
            Id = $"l{i}", Window = new(WindowKind.Lifetime), Unit = i % 2 == 0 ? LimitUnit.Cost : LimitUnit.Tokens,
                Enforcement = Enforcement.Soft,
            Amount = i % 2 == 0 ? Money.LargestNanos : Amounts.LargestTokens,
                Thresholds = [.. Enumerable.Range(1, 32).Select(r => new Threshold(r * 3, $"x{r}"))],
        }).ToArray();
        Assert.Equal(OutcomeStatus.Done, desk.Send(new SetPolicy(new() { Limits = limits })).Status);
        for (var i = 0; i < 20; i++)
            Assert.Equal(OutcomeStatus.Done,
                desk.Send(
                    new Record($"u{i}", new() { InputTokens = Amounts.LargestTokens, OutputTokens = Amounts.LargestTokens,
                        CostNanos = Money.LargestNanos })).Status);
        Assert.Equal(2000, desk.View("l0")!.PercentUsed);
        Assert.Equal(4000, desk.View("l1")!.PercentUsed);
    }

    [Fact]
    public void The_largest_hold_extended_for_ever_does_not_overflow()
    {
        var desk = new Desk { Checks = false };
        desk.Send(
            new SetPolicy(
                new() { Holds = new(OnExpiry: ExpiryRule.Charge),
                    Limits = [new() { Id = "l", Unit = LimitUnit.Cost, Window = new(WindowKind.Lifetime), Enforcement = Enforcement.Soft,
                        Amount = 1 }] }));
        var most = new Estimate { InputTokens = Amounts.LargestTokens, MaxOutputTokens = Amounts.LargestTokens,
            CostNanos = Money.LargestNanos };
        Assert.Equal(OutcomeStatus.Done, desk.Send(new Reserve("h", most)).Status);
        var outcomes = Enumerable.Range(0, 10).Select(i => desk.Send(new Extend("h", $"e{i}", Estimate: most)).Status).ToList();
        Assert.Equal([OutcomeStatus.Done, OutcomeStatus.Done, OutcomeStatus.Done], outcomes[..3]);
        Assert.All(outcomes[3..], status => Assert.Equal(OutcomeStatus.Unprocessable, status));
        for (var i = 0; i < 12; i++)
            Assert.Equal(
                OutcomeStatus.Done, desk.Send(new Settle("h", $"u{i}", new() { CostNanos = Money.LargestNanos }, Final: false)).Status);
        desk.Now += Duration.FromHours(1);
        desk.Send(new Tick());
        Assert.All(desk.Usage, record => Assert.InRange(record.Amounts.CostNanos, 0, Amounts.Most.CostNanos));
        Assert.Equal((Int128)12 * Money.LargestNanos, desk.View("l")!.Settled.Value);
    }

    [Fact]
    public void Overrides_have_bounds()
    {
        OverrideTerms terms = new() { LimitId = "l", Additional = 1, Reason = "r", CreatedBy = "c", ExpiresAt = now + Duration.FromHours(
            1) };
        Assert.Null(Validity.Problem(new AddOverride("o", terms), now));
        Named("limitId", new AddOverride("o", terms with { LimitId = null }));
        Named("limitId", new AddOverride("o", terms with { Unit = LimitUnit.Cost, Window = new(WindowKind.Day) }));
        Named("window", new AddOverride("o", terms with { LimitId = null, Unit = LimitUnit.Cost, Window = new(WindowKind.Rolling) }));
        Named("additional", new AddOverride("o", terms with { Additional = long.MaxValue }));
        Named("additional", new AddOverride("o", terms with { Additional = long.MinValue, Cut = true }));
        Named("expiresAt", new AddOverride("o", terms with { ExpiresAt = now }));
        Named("startsAt", new AddOverride("o", terms with { StartsAt = terms.ExpiresAt }));
        Named("key", new AddOverride("o", terms with { Key = new('k', 201) }));
        Assert.Null(Validity.Problem(new AddOverride("o", terms with { ExpiresAt = Instant.MaxValue }), now));
    }

    [Fact]
    public void Times_finer_than_a_millisecond_are_stored_as_they_decide()
    {
        var desk = new Desk { Now = now + Duration.FromTicks(1234) };
        desk.Send(new SetPolicy(new() { Limits = [new() { Id = "l", Window = new(WindowKind.Minute), Amount = 10 }] }));
        desk.Send(new AddOverride("o", new()
        {
            LimitId = "l", Additional = 1, Reason = "r", CreatedBy = "c", StartsAt = desk.Now + Duration.FromTicks(777),
                ExpiresAt = desk.Now + Duration.FromTicks(99_999_777),
        }));
        desk.Send(new Reserve("h", new() { Tokens = 1 }, 1));
        desk.Now += Duration.FromTicks(333);
        desk.Send(new Record("u", new() { InputTokens = 1, Timestamp = desk.Now - Duration.FromTicks(55) }));
        desk.Now += Duration.FromSeconds(1);
        Assert.Equal(OutcomeStatus.Done, desk.Send(new Tick()).Status);
    }

    static Check Call(Dimensions dimensions) => new(new() { Tokens = 1, Dimensions = dimensions });

    static Policy With(Limit limit) => new() { Limits = [limit] };

    static void Named(string field, BudgetCommand command)
    {
        var problem = Validity.Problem(command, now);
        Assert.NotNull(problem);
        Assert.Equal((OutcomeStatus.Invalid, field), (problem.Status, problem.Field));
        Assert.Equal(OutcomeStatus.Invalid, Budget.Decide(new("acme") { Version = 1 }, command, Settings.Initial, now).Outcome.Status);
    }
}
