// Cases about limits from the systems that came before, run as data: what a policy of theirs is here, each operation of theirs as a
// command, and what an operation showed by the name that the case gives it. What can not hold is in cases/exceptions.json.
using System.Globalization;
using System.Text.Json;
using NodaTime.Text;
using NodaTime;
using Purser.Cases;
using Xunit.Abstractions;

namespace Purser.Core.Tests;

public sealed class RuleCases(ITestOutputHelper output)
{
    static readonly SeedFile file = new("budget", "budget-status", "period", "threshold", "override", "reservation", "enforcement",
        "degradation", "session");

    public static TheoryData<string> Ids => file.Ids;

    [Theory]
    [MemberData(nameof(Ids))]
    public void The_case_holds(string id) => file.Holds(id, one => new Run(one).Failures());

    [Fact]
    public void Exceptions_do_not_hold() => file.ExceptionsDoNotHold(one => new Run(one).Failures(), output);

    sealed class Run
    {
        readonly JsonElement given;
        readonly JsonElement expect;
        readonly JsonElement[] steps;
        readonly Desk desk = new();
        readonly Instant start;
        readonly Calendar calendar;
        readonly bool tellsCommitted;
        readonly Dictionary<string, List<object?>> shown = [];
        readonly int eventsBefore;
        int ids;

        public Run(JsonElement one)
        {
            (given, expect, steps) = (one.GetProperty("given"), one.GetProperty("expect"), [.. one.GetProperty("when").EnumerateArray()]);
            // That system's percentage counts holds too; here it has a name of its own.
            tellsCommitted = one.Text("area") == "reservation";
            calendar = new(DateTimeZoneProviders.Tzdb[given.Optional("zone") ?? "UTC"], IsoDayOfWeek.Monday, 1);
            if (given.Optional("now") is { } now) desk.Now = At(now);
            else if (steps.Concat(Records()).Select(step => step.Optional("at")).FirstOrDefault(at => at is { Length: > 12 }) is { } first)
                desk.Now = At(first);
            start = desk.Now;
            desk.Send(new SetPolicy(PolicyOf(given.TryGetProperty("policy", out var policy) ? policy : given)));
            Before();
            eventsBefore = desk.Journal.Count(happened => happened is ThresholdCrossed);
        }

        JsonElement[] Records() => given.TryGetProperty("records", out var records) ? [.. records.EnumerateArray()] : [];

        void Before()
        {
            if (Number(given, "usedTokens") is { } used) Book(new() { InputTokens = used });
            if (given.Optional("spent") is { } spent) Book(new() { CostNanos = Nanos(spent) });
            if (given.TryGetProperty("used", out var parts))
                Book(new() { InputTokens = Number(parts, "input") ?? 0, OutputTokens = Number(parts, "output") ?? 0 });
            if (given.TryGetProperty("spentToday", out var spenders))
                foreach (var one in spenders.EnumerateObject())
                    Book(new() { CostNanos = Nanos(one.Value.GetString()!), Dimensions = new() { User = one.Name } });
            foreach (var record in Records())
            {
                if (At(record.Text("at")) is var at && at > desk.Now) desk.Now = at;
                Book(new() { Timestamp = at, InputTokens = Number(record, "tokens") ?? 0, CostNanos = record.Optional("cost") is { } cost
                    ? Nanos(cost) : null });
            }
        }

        Policy PolicyOf(JsonElement policy)
        {
            var thresholds = Thresholds(policy);
            var limits = new List<Limit>();
            var enforcement = Enum.Parse<Enforcement>(policy.Optional("enforcement") ?? given.Optional("enforcement") ?? "hard",
                ignoreCase: true);
            void Add(string id, LimitUnit unit, Window window, Int128? amount, string? each = null) =>
                limits.Add(new() { Id = id, Unit = unit, Window = window, Amount = amount, Each = each, Thresholds = thresholds,
                    Enforcement = enforcement });

            var period = WindowOf(policy.Optional("period") ?? policy.Optional("window") ?? (policy.Optional("scope") is null
                ? "monthly" : "lifetime"));
            // A scope that can be reset is a session that can be closed.
            var closes = steps.Any(step => step.Text("op") is "reset");
            if (closes) period = new(WindowKind.Session);
            var each = policy.Optional("scope") == "session" && !closes ? "session" : policy.Optional("user") is null ? null : "user";
            if (policy.TryGetProperty("limits", out var amounts))
                foreach (var amount in amounts.EnumerateObject())
                    Add(amount.Name, LimitUnit.Tokens, WindowOf(amount.Name), amount.Value.ValueKind == JsonValueKind.Null
                        ? null : amount.Value.GetInt64());
            foreach (var (member, id, unit) in ((string, string, LimitUnit)[])
                [("maxTokens", "tokens", LimitUnit.Tokens), ("limitTokens", "tokens", LimitUnit.Tokens),
                    ("maxInput", "input", LimitUnit.InputTokens), ("maxOutput", "output", LimitUnit.OutputTokens)])
                if (Number(policy, member) is { } amount) Add(id, unit, period, amount, each);
            foreach (var member in (string[])["maxCost", "limitCost"])
                if (policy.TryGetProperty(member, out var cost))
                    Add("cost", LimitUnit.Cost, period, cost.ValueKind == JsonValueKind.Null ? null : Nanos(cost.GetString()!), each);
            foreach (var (member, id, kind, key) in ((string, string, WindowKind, string?)[])
                [("perRequestCost", "per-request", WindowKind.Request, null), ("sessionCost", "session", WindowKind.Session, null),
                    ("modelCost", "model", WindowKind.Lifetime, "model"),
                 ("dailyCost", "daily", WindowKind.Day, each), ("weeklyCost", "weekly", WindowKind.Week, each),
                     ("monthlyCost", "monthly", WindowKind.Month, each)])
                if (policy.Optional(member) is { } cost) Add(id, LimitUnit.Cost, new(kind), Nanos(cost), key);
            if (steps.Any(step => step.Text("op").Contains("session", StringComparison.Ordinal)))
                Add("sessions", LimitUnit.Requests, new(WindowKind.Session), null);
            if (steps.Any(step => step.TryGetProperty("month", out _))) Add("cost", LimitUnit.Cost, new(WindowKind.Month), null);
            if (policy.TryGetProperty("strategies", out var strategies) || given.TryGetProperty("strategies", out strategies))
                Assert.NotEqual(0, strategies.GetArrayLength());

            var warning = policy.TryGetProperty("warningPercentOverride", out var percent)
                || policy.TryGetProperty("warningPercent", out percent) ? percent.GetDecimal() / 100
                : policy.TryGetProperty("warningAt", out var at) ? at.GetDecimal() : 0.8m;
            return new()
            {
                Limits = limits,
                TimeZone = given.Optional("zone"),
                StatusLevels = new(warning, policy.TryGetProperty("criticalAt", out var critical) ? critical.GetDecimal() : 0.95m),
                OverridesAllowed = policy.TryGetProperty("overridesEnabled", out var enabled)
                    || given.TryGetProperty("overridesEnabled", out enabled) ? enabled.GetBoolean() : null,
                Holds = (policy.Optional("holdTtl") ?? given.Optional("holdTtl")) is { } ttl ? new((long)Span(ttl).TotalSeconds) : null,
                Adaptive = enforcement == Enforcement.Adaptive ? new(FallbackModels: ["a", "b"]) : null,
            };
        }

        static Threshold[]? Thresholds(JsonElement policy)
        {
            if (policy.TryGetProperty("levels", out var levels))
                return [.. levels.EnumerateArray().Select(level => new Threshold(level[0].GetDecimal() / 100, level[1].GetString()!))];
            if (policy.TryGetProperty("thresholds", out var ratios))
                return [.. ratios.EnumerateArray().Select(ratio => new Threshold(ratio.GetDecimal(), $"at {ratio}"))];
            if (policy.TryGetProperty("warningPercent", out var percent))
                return [new(percent.GetDecimal() / 100, "warning"), new(1, "exceeded")];
            return null;
        }

        public List<string> Failures()
        {
            foreach (var step in steps)
            {
                // Another node has nothing but the journal.
                if (Number(step, "node") > 1) desk.Restart();
                if (step.Optional("at") is { } at && At(at) is var moment && moment > desk.Now
                    && step.Text("op") is not ("window" or "keys")) desk.Now = moment;
                for (var i = Number(step, "times") ?? Number(step, "parallel") ?? 1; i > 0; i--)
                    if (!Do(step.Text("op"), step)) return [$"'{step.Text("op")}' is nothing here"];
            }
            Announced();
            return [.. expect.EnumerateObject().Where(member => !Holds(member))
                .Select(member =>
                    $"{member.Name}: expected {member.Value}, was "
                        + $"{(shown.TryGetValue(member.Name, out var values) ? string.Join(", ", values.Select(Expected.Written)) : "not shown")}")];
        }

        bool Holds(JsonProperty member)
        {
            if (!shown.TryGetValue(member.Name, out var values)) return false;
            if (member.Value.ValueKind == JsonValueKind.Array && values.Count > 0 && values[^1] is not object?[])
                return Expected.Same(member.Value, values.ToArray());
            return Expected.Same(member.Value, values.Count > 0 ? values[^1] : null);
        }

        bool Do(string op, JsonElement step)
        {
            switch (op)
            {
                case "record": Book(UsageOf(step)); Status(step); return true;
                case "admit": Admit(step); return true;
                case "within": Show("within", Ask(new() { Tokens = 1 }).Allowed); return true;
                case "status" when step.Optional("month") is { } month: Month(month); return true;
                case "status":
                    if (step.TryGetProperty("input", out _)) Book(UsageOf(step));
                    Status(step);
                    return true;
                case "set-policy": Own(step); return true;
                case "reset": Close(step.Text("scope")); return true;
                case "advance": desk.Now += Span(step.Text("by")); desk.Send(new Tick()); return true;
                case "override": Raise(step); return true;
                case "hold": Hold(step); return true;
                case "settle":
                    var settled =
                        desk.Send(
                            new Settle(step.Text("hold"), $"settling {step.Text("hold")}",
                                new() { InputTokens = Number(step, "actual") ?? 0 }));
                    Show("late", ((Settlement)settled.Answer!).Late);
                    return true;
                case "cancel": desk.Send(new Release(step.Text("hold"))); return true;
                case "poll": desk.Send(new Tick()); return true;
                case "alerts": return true;
                case "window": Window(step); return true;
                case "keys":
                    Show("hourly", Key(WindowKind.Hour, At(step.Text("at"))));
                    Show("daily", Key(WindowKind.Day, At(step.Text("at"))));
                    return true;
                case "series":
                    foreach (var record in Records()) Show("keys", Key(WindowOf(step.Text("granularity")).Kind, At(record.Text("at"))));
                    return true;
                case "summary": Summary(step); return true;
                case "open-session" or "session-started":
                    desk.Send(
                        new Reserve($"h{ids++}", new() { Tokens = 0, Dimensions = new() { User = step.Optional("user"), Session = "s" } }));
                    Sessions();
                    return true;
                case "close-session" or "session-ended": Close("s"); Sessions(); return true;
                case "active": Show("active", (long)Open()); return true;
                case "usage":
                    var mine = desk.Usage.Where(record => record.Usage.Dimensions.User == step.Text("user")).ToList();
                    Show("cost", Money.Format(mine.Sum(record => record.Amounts.CostNanos)));
                    Show("sessionRequests", mine.Where(record => record.Usage.Dimensions.Session == "s")
                        .Sum(record => record.Amounts.Requests));
                    return true;
                default: return false;
            }
        }

        void Show(string name, object? value)
        {
            if (!shown.TryGetValue(name, out var values)) shown[name] = values = [];
            values.Add(value);
        }

        void Book(Usage usage) => Assert.Equal(OutcomeStatus.Done, desk.Send(new Record($"r{ids++}", usage)).Status);

        Usage UsageOf(JsonElement step) => new()
        {
            Dimensions = new() { Session = step.Optional("scope") ?? (Open() > 0 ? "s" : null), User = step.Optional("user") },
            InputTokens = Number(step, "input") ?? Number(step, "total") ?? Number(step, "tokens") ?? 0,
            OutputTokens = Number(step, "output") ?? 0,
            CostNanos = step.Optional("cost") is { } cost ? Nanos(cost) : null,
            Timestamp = step.Optional("at") is { } at && At(at) < desk.Now ? At(at) : null,
        };

        Decision Ask(Estimate estimate) => (Decision)desk.Send(new Check(estimate)).Answer!;

        void Admit(JsonElement step)
        {
            var cost = step.Optional("cost") ?? given.Optional("estimatedCost");
            var estimate = new Estimate
            {
                Dimensions = new() { Session = step.Optional("scope") ?? "s", User = step.Optional("user"), Model = "m" },
                Tokens = step.TryGetProperty("input", out _) ? null : Number(step, "tokens") ?? 1,
                InputTokens = Number(step, "input"),
                MaxOutputTokens = Number(step, "output"),
                CostNanos = cost is null ? 1 : Nanos(cost),
            };
            var decision = Ask(estimate);
            var requested = estimate.Tokens ?? estimate.InputTokens + estimate.MaxOutputTokens;
            var views = decision.Limits.Where(view => step.Optional("period") is not { } period || view.LimitId == period).ToList();
            Show("admitted", decision.Allowed);
            Show("warning", views.Any(view => view.Status != "healthy"));
            Show("percentUsed", views.Select(view => view.PercentUsed).DefaultIfEmpty().Max());
            Show("percentUsedAfter", views.Select(view => view.PercentUsed).DefaultIfEmpty().Max());
            var blocking = decision.BlockedBy.Count > 0 ? decision.BlockedBy[0].Limit.LimitId : null;
            Show("blockedBy", blocking);
            Show("reason", blocking);
            Show("needed", requested);
            Show("violations", decision.BlockedBy.Select(blocker => (object?)new object?[]
            {
                blocker.Limit.Unit == LimitUnit.Tokens ? "total" : blocker.Limit.LimitId,
                (long)(blocker.Limit.Settled.Value + blocker.Limit.Held.Value + blocker.Requested.Value),
                    (long)blocker.Limit.Amount!.Value.Value,
            }).ToArray());
            foreach (var (unit, name) in ((LimitUnit, string)[])[(LimitUnit.Tokens, "remainingTokens"), (LimitUnit.Cost, "remainingCost")])
                if (views.Where(view => view.Unit == unit).OrderBy(view => view.Remaining?.Value ?? Int128.MaxValue).FirstOrDefault()
                    is { } tightest) Show(name, Left(tightest));
            if (views.FirstOrDefault(view => view.Unit == LimitUnit.Tokens) is not { } tokens) return;
            Show("remaining", Left(tokens));
            Show("available", Left(tokens));
            Show("limit", tokens.Amount is { } amount ? (long)amount.Value : "unlimited");
            if (tokens.Remaining is { } left) Show("remainingAfter", (long)left.Value - requested);
        }

        static object Left(LimitView view) => view.Remaining is not { } left ? "unlimited" : view.Unit == LimitUnit.Cost
            ? left.ToString() : (long)left.Value;

        void Status(JsonElement step)
        {
            var status = (AccountStatus)desk.Send(new GetStatus()).Answer!;
            var views = status.Limits.Where(view => step.Optional("period") is not { } period || view.LimitId == period).ToList();
            if (views.Count == 0) return;
            var first = views[0];
            Show("used", (long)first.Settled.Value);
            Show("reserved", (long)first.Held.Value);
            Show("remaining", Left(first));
            Show("percentUsed", tellsCommitted ? first.PercentCommitted : views.Max(view => view.PercentUsed));
            Show("state", status.Status);
            Show("activeHolds", (long)status.ActiveReservations);
            Show("isOver", first.Amount is { } amount && first.Settled.Value > amount.Value);
            Show("limits", (long?)first.Amount?.Value);
            Show("breakdown", new Dictionary<string, object?> { ["input"] = desk.Usage.Sum(record => record.Amounts.InputTokens),
                ["output"] = desk.Usage.Sum(record => record.Amounts.OutputTokens) });
        }

        void Month(string month)
        {
            var first = At(month + "-01T00:00:00Z");
            desk.Now = Instant.Max(desk.Now, first);
            Show("spent", desk.View("cost")!.Settled.ToString());
        }

        /// <summary>A budget for one scope only, beside the one that all scopes have.</summary>
        void Own(JsonElement step)
        {
            var policy = desk.State.Policy!;
            Limit For(string id, LimitUnit unit, Int128 amount) =>
                new() { Id = id, Unit = unit, Window = new(WindowKind.Lifetime), Amount = amount,
                    Match = new() { ["session"] = step.Text("scope") } };
            desk.Send(new SetPolicy(policy with
            {
                Limits = [.. policy.Limits, For("own tokens", LimitUnit.Tokens, Number(step, "maxTokens")!.Value),
                    For("own cost", LimitUnit.Cost, Nanos(step.Text("maxCost")))],
            }));
        }

        void Close(string session)
        {
            desk.Send(new CloseSession(session));
            foreach (var closed in desk.Last.OfType<SessionClosed>())
            {
                Show("resetEvents", closed.Session);
                Show("durationKnown", desk.Journal.OfType<Held>().Any(held => held.Dimensions.Session == session && held.At <= closed.At));
            }
        }

        int Open() => desk.State.Limits.Where(limit => limit.Limit.Id == "sessions").SelectMany(limit => limit.Counters.Values)
            .Count(counter => counter.Running(desk.Now) is not null);

        void Sessions() => Show("active", Open() > 0);

        void Raise(JsonElement step)
        {
            var outcome = desk.Send(new AddOverride($"o{ids++}", new()
            {
                LimitId = step.Text("period"), Additional = Number(step, "additional")!.Value, Reason = step.Optional("reason") ?? "r",
                    CreatedBy = step.Optional("by") ?? "b",
                ExpiresAt = desk.Now + Span(step.Text("expiresIn")),
            }));
            Show("error", outcome.Status == OutcomeStatus.Unprocessable && !desk.State.Effective.OverridesAllowed
                ? "overrides-disabled" : null);
        }

        void Hold(JsonElement step)
        {
            var outcome = desk.Send(new Reserve(step.Optional("as") ?? $"h{ids++}", new() { Tokens = Number(step, "tokens") }));
            if (steps.Length > 1 || !step.TryGetProperty("parallel", out _)) Show("granted", outcome.Status == OutcomeStatus.Done);
            else shown["granted"] = [(shown.TryGetValue("granted", out var before) ? (long)before[0]! : 0)
                + (outcome.Status == OutcomeStatus.Done ? 1 : 0)];
            var view = desk.View("hourly")!;
            Show("reserved", (long)view.Held.Value);
            Show("remaining", Left(view));
        }

        void Window(JsonElement step)
        {
            var bounds = calendar.Bounds(WindowOf(given.Text("period")), At(step.Text("at")));
            var (from, to) = (InstantPattern.General.Format(bounds.Start), InstantPattern.General.Format(bounds.End));
            Show("start", from);
            Show("end", to);
            Show("results", new Dictionary<string, object?> { ["start"] = from, ["end"] = to });
        }

        string Key(WindowKind kind, Instant at)
        {
            var local = calendar.Bounds(new(kind), at).Start.InZone(calendar.Zone).LocalDateTime;
            var pattern = kind switch { WindowKind.Minute => "uuuu-MM-dd'T'HH:mm", WindowKind.Hour => "uuuu-MM-dd'T'HH", WindowKind.Year =>
                "uuuu", _ => "uuuu-MM-dd" };
            return LocalDateTimePattern.CreateWithInvariantCulture(pattern).Format(local);
        }

        void Summary(JsonElement step)
        {
            var day = new Window(WindowKind.Day);
            var (from, to) = (calendar.Bounds(day, At(step.Text("from") + "T00:00:00Z")).Start,
                calendar.Bounds(day, At(step.Text("to") + "T00:00:00Z")).End);
            Show("periodDays", (long)(to - from).Days);
            Show("tokens", desk.Usage.Where(record => record.At >= from && record.At < to).Sum(record => record.Amounts.Tokens));
        }

        /// <summary>What was announced, by all the names that cases have for it.</summary>
        void Announced()
        {
            var all = desk.Journal.OfType<ThresholdCrossed>().ToList();
            Show("events", all.Skip(eventsBefore).Select(one => (object?)new Dictionary<string,
                object?> { ["threshold"] = one.Ratio, ["period"] = one.LimitId, ["percentUsed"] = (decimal)one.Settled * 100 / (
                    decimal)one.Amount }).ToArray());
            Show("eventsNotContaining", all.Skip(eventsBefore).Any(one => one.Ratio >= 1)
                ? Array.Empty<object?>() : new object?[] { "budget-exceeded" });
            Show("exceededEvents", (long)all.Count(one => one.Ratio == 1));
            Show("budgetExceeded", (long)all.Count(one => one.Ratio == 1));
            Show("warningEvents", (long)all.Count(one => one.Level == "warning"));
            Show("levelsReached", all.Select(one => (object?)one.Level).ToArray());
            Show("highest", all.LastOrDefault()?.Level);
            Show("notices", all.GroupBy(one => one.Level).ToDictionary(group => group.Key, group => (object?)(long)group.Count()));
            Show("timesFired", all.GroupBy(one => one.Ratio).ToDictionary(group => group.Key.ToString(CultureInfo.InvariantCulture),
                group => (object?)(long)group.Count()));
            Show("eventsFor", all.GroupBy(one => one.LimitId).ToDictionary(group => group.Key, group =>
                (object?)group.Select(one => (object?)one.Ratio).ToArray()));
            if (!shown.ContainsKey("resetEvents"))
                Show("resetEvents", (long)desk.Journal.OfType<WindowReset>().Select(reset => reset.Window).Distinct().Count());
            Show("alertsAtLeast", (long)all.Count);
        }

        Instant At(string text) => text[0] == 'P' ? start + Span(text) : InstantPattern.ExtendedIso.Parse(text).Value;

        static Duration Span(string text) => PeriodPattern.NormalizingIso.Parse(text).Value.ToDuration();

        static Window WindowOf(string name) => new(name switch
        {
            "minute" => WindowKind.Minute, "hourly" => WindowKind.Hour, "daily" => WindowKind.Day, "weekly" => WindowKind.Week, "monthly" =>
                WindowKind.Month,
            "yearly" => WindowKind.Year, "lifetime" => WindowKind.Lifetime, _ => throw new ArgumentException(name),
        });
    }

    static long? Number(JsonElement element, string name) => element.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.Number ? value.GetInt64() : null;

    static long Nanos(string money) => Money.TryParse(money, out var nanos) ? nanos : throw new ArgumentException(money);
}
