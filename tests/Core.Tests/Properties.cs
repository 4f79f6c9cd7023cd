// What holds for every sequence of commands: never over a hard limit, replay and reload equal the live state, twice equals once. The
// plain run checks the same programs every time; the long one checks new programs, and more of them.
using System.Text.Json;
using NodaTime;

namespace Purser.Core.Tests;

public sealed class Properties
{
    internal Programs Programs { get; init; } = Programs.Same;

    [Fact]
    public void No_admission_ever_takes_a_hard_limit_beyond_its_amount() => Programs.Check(250, 70, program =>
    {
        var (desk, workload) = (new Desk(), new Workload());
        foreach (var step in program)
        {
            desk.Now += Workload.Wait(step);
            desk.Send(workload.Command(step, desk.Now));
            foreach (var happened in desk.Last)
            {
                if (happened is Held held) CheckAdmission(desk, held.Touches, held.Amounts, held.Dimensions);
                if (happened is HoldExtended extended) CheckAdmission(desk, extended.Touches, extended.Added, null);
            }
        }
    });

    [Fact]
    public void Counters_are_what_the_records_add_up_to() => Programs.Check(250, 70, program =>
    {
        var (desk, workload) = (new Desk { Checks = false }, new Workload());
        foreach (var step in program)
        {
            desk.Now += Workload.Wait(step);
            desk.Send(workload.Command(step, desk.Now));
            foreach (var limit in desk.State.Limits) CheckCounters(desk, limit);
        }
    });

    [Fact]
    public void What_is_decided_about_a_usage_never_takes_more_off_than_it_has() => Programs.Check(250, 70, program =>
    {
        var (desk, forgetting, workload) = (new Desk { Checks = false }, new Desk { Forgets = true, Reloads = true }, new Workload());
        foreach (var step in program)
        {
            desk.Now = forgetting.Now = desk.Now + Workload.Wait(step);
            var command = step % 2 == 0 ? workload.AdjustingOf(new(step)) : workload.Command(step, desk.Now);
            SameAnswer(desk.Send(command), forgetting.Send(command), command);
            foreach (var record in desk.Usage.Where(record => record.Kind == RecordKind.Reported))
            {
                var left = desk.Usage.Where(other => other.Corrects == record.Id).Aggregate(record.Amounts, (sum, other) =>
                    sum + other.Amounts);
                foreach (var unit in Enum.GetValues<LimitUnit>())
                    Assert.True(left.Of(unit) >= 0, $"usage '{record.Id}' counts for {left.Of(unit)} {unit}");
                if (desk.Usage.Any(other => other.Id == AdjustmentRules.VoidId(record.Id))) Assert.Equal(default, left);
            }
            foreach (var limit in desk.State.Limits) CheckCounters(desk, limit);
        }
    });

    [Fact]
    public void What_reports_show_as_input_and_as_output_is_never_negative_and_adds_up() => Programs.Check(250, 70, program =>
    {
        var (desk, workload) = (new Desk { Checks = false }, new Workload());
        foreach (var step in program)
        {
            desk.Now += Workload.Wait(step);
            var command = step % 2 == 0 ? workload.AdjustingOf(new(step)) : workload.Command(step, desk.Now);
            desk.Send(step % 3 != 0 ? command : command switch
            {
                Record record => record with { Usage = AsTotal(record.Usage) },
                CorrectUsage correct => correct with { Usage = AsTotal(correct.Usage) },
                _ => command,
            });
            foreach (var record in desk.Usage.Where(record => record.Kind == RecordKind.Reported))
            {
                var beside = desk.Usage.Where(other => other.Corrects == record.Id).Prepend(record).ToList();
                var (input, output) = beside.Aggregate((Input: 0L, Output: 0L), (sum, one) =>
                    (sum.Input + one.Told.Input, sum.Output + one.Told.Output));
                Assert.True(input >= 0 && output >= 0, $"usage '{record.Id}' is shown as {input} in and {output} out");
                Assert.Equal(beside.Sum(one => one.Amounts.Tokens), input + output);
            }
        }
    });

    [Fact]
    public void What_is_booked_of_a_hold_is_never_negative_wherever_reports_put_it() => Programs.Check(250, 70, program =>
    {
        var (desk, workload) = (new Desk { Checks = false }, new Workload());
        foreach (var step in program)
        {
            desk.Now += Workload.Wait(step);
            desk.Send(workload.Command(step, desk.Now));
        }
        foreach (var together in desk.Usage.Where(record => record.ReservationId is not null && record.Corrects is null).GroupBy(record =>
            (record.ReservationId, record.Usage.Dimensions, record.Usage.Success, record.CanonicalProvider, record.CanonicalModel)))
        {
            var sum = together.Aggregate(default(Amounts), (sum, record) => sum + record.Amounts);
            foreach (var unit in Enum.GetValues<LimitUnit>())
                Assert.True(sum.Of(unit) >= 0, $"{together.Key} counts for {sum.Of(unit)} {unit}");
        }
    });

    [Fact]
    public void What_is_charged_when_a_hold_runs_out_is_what_it_reserved_beyond_what_was_booked() => Programs.Check(250, 70, program =>
    {
        var (desk, workload) = (new Desk { Checks = false }, new Workload());
        desk.Send(new SetPolicy(new() { Limits = [], Holds = new(600, 20, ExpiryRule.Charge) }));
        foreach (var step in program)
        {
            desk.Now += Workload.Wait(step);
            desk.Send(new Tick());
            foreach (var charge in desk.Last.OfType<Expired>().Select(expired => expired.Charge).OfType<UsageRecord>())
            {
                var hold = desk.State.Holds[charge.ReservationId!];
                var rest = hold.Reserved - (hold.Booked - hold.Charged) - hold.Lent;
                foreach (var unit in (LimitUnit[])[LimitUnit.Tokens, LimitUnit.InputTokens, LimitUnit.OutputTokens, LimitUnit.Cost])
                    Assert.True(Math.Max(0, rest.Of(unit)) == charge.Amounts.Of(unit),
                        $"'{hold.Id}' had {rest.Of(unit)} {unit} left, and {charge.Amounts.Of(unit)} were charged");
            }
            var command = workload.Command(step, desk.Now);
            desk.Send(command is Settle settle && step % 3 == 0 ? settle with { Usage = AsTotal(settle.Usage) } : command);
        }
    });

    [Fact]
    public void Nothing_is_held_once_all_holds_are_closed() => Programs.Check(150, 60, program =>
    {
        var (desk, workload) = (new Desk(), new Workload());
        foreach (var step in program)
        {
            desk.Now += Workload.Wait(step);
            desk.Send(workload.Command(step, desk.Now));
        }
        foreach (var id in desk.State.Holds.Values.Where(hold => hold.State == ReservationState.Active).Select(hold => hold.Id).ToList())
            Assert.Equal(OutcomeStatus.Done, desk.Send(new Release(id)).Status);
        Assert.Equal(0, desk.State.ActiveHolds);
        Assert.All(desk.State.Limits.SelectMany(limit => limit.Counters.Values).SelectMany(counter => counter.Slots), slot =>
            Assert.Equal(0, slot.Held));
    });

    [Fact]
    public void A_call_that_does_not_fit_fits_a_limit_when_it_is_told_and_not_before() => Programs.Check(250, 60, program =>
    {
        var (desk, workload) = (new Desk { Checks = false }, new Workload());
        foreach (var step in program)
        {
            desk.Now += Workload.Wait(step);
            desk.Send(workload.Command(step, desk.Now));
        }
        desk.Send(new Resume());
        var random = new Random(program[^1]);
        var lenders = desk.State.Deadlines.Select(open => open.Id).ToArray();
        var reserve = new Reserve("last", Workload.EstimateOf(random), 60)
        {
            From = lenders.Length > 0 && random.Next(2) == 0 ? lenders[random.Next(lenders.Length)] : null,
        };
        // A hold that is charged when it runs out prolongs its session: when that ends nobody can tell.
        var blockers = (Blocking() ?? []).Where(blocker => blocker.Limit.Window.Kind != WindowKind.Session).ToList();
        // Only at these something changes, if nobody does anything.
        var turns = desk.State.Deadlines.Select(open => open.ExpiresAt)
            .Concat(desk.State.Overrides.SelectMany(granted => (Instant[])[granted.Terms.StartsAt ?? default, granted.Terms.ExpiresAt]))
            .Concat(desk.State.Limits.SelectMany(limit => limit.Counters.Values).SelectMany(counter => counter.Slots)
                .Select(slot => slot.Span.End))
            .Where(at => at > desk.Now && at < Span.Always.End).Distinct().Order().ToList();
        foreach (var turn in turns)
        {
            desk.Now = turn;
            if (Blocking() is not { } then) return;
            foreach (var blocker in blockers)
                Assert.True(IsAmong(then, blocker) == !(turn >= blocker.FitsAt), $"at {turn}: {blocker}");
            blockers.RemoveAll(blocker => turn >= blocker.FitsAt);
            if (blockers.Count == 0) return;
        }

        // Null where the call is degraded, or no call that could be decided, or has too little of what was lent.
        IReadOnlyList<Blocker>? Blocking() => desk.Send(reserve) is { Answer: Decision { Changes: null } decision, Field: not "from" }
            ? decision.BlockedBy : null;

        static bool IsAmong(IReadOnlyList<Blocker> blockers, Blocker one) =>
            blockers.Any(other => (other.Limit.LimitId, other.Limit.Key) == (one.Limit.LimitId, one.Limit.Key));
    });

    [Fact]
    public void Every_command_sent_twice_equals_once() => Programs.Check(150, 60, program =>
    {
        var (once, twice, workload) = (new Desk { Checks = false }, new Desk(), new Workload());
        foreach (var step in program)
        {
            once.Now = twice.Now = once.Now + Workload.Wait(step);
            var command = workload.Command(step, once.Now);
            // Only these have a body of their own to be compared with.
            var again = command is IdentifiedCommand or Release or RemoveOverride or CloseSession or Pause or Resume or Tick or SetPolicy;
            var expected = once.Send(command);
            SameAnswer(expected, twice.Send(command), command);
            if (again)
            {
                var repeated = twice.Send(command);
                Assert.True(repeated.Status == expected.Status, $"{command} was {expected.Status}, then {repeated.Status}");
                Assert.Empty(twice.Last);
            }
            Assert.Equal(Desk.Canonical(once.State), Desk.Canonical(twice.State));
        }
    });

    [Fact]
    public void Reading_a_snapshot_or_the_journal_changes_no_answer() => Programs.Check(120, 60, program =>
    {
        var (live, reloaded, restarted, workload) = (new Desk(), new Desk { Reloads = true }, new Desk { Checks = false }, new Workload());
        foreach (var step in program)
        {
            live.Now = reloaded.Now = restarted.Now = live.Now + Workload.Wait(step);
            var command = workload.Command(step, live.Now);
            var expected = live.Send(command);
            SameAnswer(expected, reloaded.Send(command), command);
            SameAnswer(expected, restarted.Send(command), command);
            restarted.Restart();
        }
    });

    [Fact]
    public void Forgetting_what_the_ledger_keeps_changes_no_answer() => Programs.Check(120, 60, program =>
    {
        var (remembering, forgetting, workload) = (new Desk { Checks = false }, new Desk { Forgets = true }, new Workload());
        foreach (var step in program)
        {
            remembering.Now = forgetting.Now = remembering.Now + Workload.Wait(step);
            var command = workload.Command(step, remembering.Now);
            SameAnswer(remembering.Send(command), forgetting.Send(command), command);
        }
        Assert.DoesNotContain(forgetting.State.Holds.Values, hold => hold.State != ReservationState.Active);
        Assert.Empty(forgetting.State.RecentUsage);
    });

    [Fact]
    public void Counters_outside_of_memory_change_no_answer() => Programs.Check(200, 60, program =>
    {
        var (keeping, leaving, restarted, workload) = (new Desk { Checks = false }, new Desk { Leaves = true, Checks = false },
            new Desk { Leaves = true, Checks = false }, new Workload());
        foreach (var step in program)
        {
            keeping.Now = leaving.Now = restarted.Now = keeping.Now + Workload.Wait(step);
            var command = workload.Command(step, keeping.Now);
            var expected = keeping.Send(command);
            SameAnswer(expected, leaving.Send(command), command);
            Assert.Equal(keeping.Last.Select(Written), leaving.Last.Select(Written));
            Assert.DoesNotContain(leaving.State.Limits, limit => limit.IsKeyed && limit.Counters.Values.Any(counter =>
                counter.Slots.Count > 0 && counter.Slots.TrueForAll(slot => slot.Held == 0 && slot.Span.Start <= leaving.State.LastAt)));
            // Also where the journal was written by another host, after the snapshot.
            restarted.Follow(keeping.Last);
        }
        foreach (var limit in keeping.State.Limits)
            foreach (var key in limit.Counters.Keys)
                Assert.Equal(JsonSerializer.Serialize(keeping.View(limit.Limit.Id, key)),
                    JsonSerializer.Serialize(restarted.View(limit.Limit.Id, key)));

        static string Written(BudgetEvent happened) => JsonSerializer.Serialize([happened], CoreJson.Default.BudgetEventArray);
    });

    [Fact]
    public void The_order_of_commands_that_share_no_limit_does_not_matter() => Programs.Check(150, 60, program =>
    {
        var policy = new SetPolicy(new()
        {
            Limits =
            [
                Limit("s-day", LimitUnit.Tokens, "day", 300, "small"), Limit("s-cost", LimitUnit.Cost, "hour", 500_000, "small"),
                Limit("b-day", LimitUnit.Tokens, "day", 300, "big"), Limit("b-calls", LimitUnit.Requests, "rolling:PT1H", 6, "big"),
            ],
        });
        var small = program.Select(step => On(step, "small")).ToList();
        var big = program.Select(step => On(~step, "big")).ToList();
        var (apart, mixed) = (new Desk { Checks = false }, new Desk { Checks = false });
        apart.Send(policy);
        mixed.Send(policy);
        var expected = new Dictionary<BudgetCommand, OutcomeStatus>(ReferenceEqualityComparer.Instance);
        foreach (var command in small.Concat(big)) expected[command] = apart.Send(command).Status;
        var random = new Random(program[0]);
        while (small.Count + big.Count > 0)
        {
            var queue = big.Count == 0 || (small.Count > 0 && random.Next(2) == 0) ? small : big;
            Assert.Equal(expected[queue[0]], mixed.Send(queue[0]).Status);
            queue.RemoveAt(0);
        }
        Assert.Equal(Desk.Canonical(apart.State), Desk.Canonical(mixed.State));

        static Limit Limit(string id, LimitUnit unit, string window, Int128 amount, string model)
        {
            Assert.True(Window.TryParse(window, out var parsed));
            return new() { Id = id, Unit = unit, Window = parsed, Amount = amount, Match = new() { ["model"] = model } };
        }

        static IdentifiedCommand On(int step, string model)
        {
            var random = new Random(step);
            var (hold, usage, call) = ($"{model}-h{random.Next(9)}", $"{model}-u{random.Next(20)}", new Dimensions { Model = model });
            return random.Next(3) switch
            {
                0 => new Reserve(hold, new() { Dimensions = call, InputTokens = random.Next(60), MaxOutputTokens = random.Next(60) }),
                1 => new Settle(hold, usage, new() { InputTokens = random.Next(90), OutputTokens = random.Next(30) },
                    Final: random.Next(2) == 0),
                _ => new Record(usage, new() { Dimensions = call, InputTokens = random.Next(60) }),
            };
        }
    });

    static Usage AsTotal(Usage usage) =>
        usage with { InputTokens = 0, OutputTokens = 0, TotalTokens = usage.InputTokens + usage.OutputTokens };

    static void CheckAdmission(Desk desk, IReadOnlyList<Touch> touches, Amounts requested, Dimensions? call)
    {
        foreach (var touch in touches)
        {
            var limit = desk.State.LimitNo(touch.No)!;
            if (limit.Limit is not { Amount: { } amount, Mode: LimitMode.Enforce, Enforcement: not Enforcement.Soft }
                || requested.Of(limit.Limit.Unit) == 0) continue;
            var (settled, held) = limit.Counters[touch.Key].At(desk.Now);
            var most = amount + Raises(desk, limit.Limit, touch.Key);
            Assert.True(settled + held <= most, $"limit {limit.Limit.Id} '{touch.Key}': {settled} settled and {held} held of {most}");
        }
        // A request window has no counter: each call alone must fit.
        foreach (var limit in desk.State.Limits.Select(limit => limit.Limit))
        {
            var canonical = desk.Settings.Prices.Find(null, call?.Model)?.Canonical;
            if (call is not null && limit is { Window.Kind: WindowKind.Request, Amount: { } amount, Mode: LimitMode.Enforce,
                Enforcement: not Enforcement.Soft }
                && new LimitMatcher(limit).Matches(call, canonical))
                Assert.True(requested.Of(limit.Unit) <= amount + Raises(desk, limit, new LimitMatcher(limit).Key(call, canonical))
                    || requested.Of(limit.Unit) == 0);
        }
    }

    static Int128 Raises(Desk desk, Limit limit, string key) => desk.State.Overrides
        .Where(granted => granted.Terms.LimitId == limit.Id && (granted.Terms.Key ?? key) == key
            && (granted.Terms.StartsAt ?? Instant.MinValue) <= desk.Now && desk.Now < granted.Terms.ExpiresAt)
        .Aggregate((Int128)0, (sum, granted) => sum + granted.Terms.Additional);

    /// <summary>Calendar counters equal the history; rolling ones are never below the true window, and above it by less than a
    /// bucket.</summary>
    static void CheckCounters(Desk desk, LimitState limit)
    {
        var (now, window) = (desk.State.LastAt, limit.Limit.Window);
        // A limit that came when records were gone can not know them.
        if (window.Kind is WindowKind.Request or WindowKind.Session || limit.Limit.Mode == LimitMode.Off || limit.CountedSince is not null)
            return;
        string? Canonical(Dimensions call) => desk.Settings.Prices.Find(call.Provider, call.Model)?.Canonical;
        var matching = desk.Usage
            .Where(record => limit.Matcher.Matches(record.Usage.Dimensions, Canonical(record.Usage.Dimensions)))
            .GroupBy(record => limit.Matcher.Key(record.Usage.Dimensions, Canonical(record.Usage.Dimensions)))
                .ToDictionary(group => group.Key, group => group.ToList());
        foreach (var key in limit.Counters.Keys.Union(matching.Keys))
        {
            var settled = limit.Counters.GetValueOrDefault(key)?.At(now).Settled ?? 0;
            Int128 Sum(Instant after, Instant before) => matching.GetValueOrDefault(key, [])
                .Where(record => record.At >= after && record.At < before).Aggregate((Int128)0, (sum, record) =>
                    sum + record.Amounts.Of(limit.Limit.Unit));
            if (window.Kind == WindowKind.Rolling)
            {
                var start = now - window.Length;
                var (least, most) = (Sum(start + Duration.FromMilliseconds(1), now + Duration.FromMilliseconds(1)),
                    Sum(start - window.BucketLength, now + window.BucketLength));
                Assert.True(least <= settled && settled <= most,
                    $"limit {limit.Limit.Id} {window} '{key}': {settled}, not from {least} to {most}");
                continue;
            }
            var bounds = desk.State.Effective.Calendar.Bounds(window, now);
            var expected = window.Kind == WindowKind.Lifetime ? Sum(Instant.MinValue, Instant.MaxValue) : Sum(bounds.Start, bounds.End);
            Assert.True(
                expected == settled,
                    $"limit {limit.Limit.Id} #{limit.No} {window} '{key}': {settled}, but the records add up to {expected}");
        }
    }

    static void SameAnswer(Outcome expected, Outcome actual, BudgetCommand command)
    {
        var (a, b) = (JsonSerializer.Serialize(expected, CoreJson.Default.Outcome),
            JsonSerializer.Serialize(actual, CoreJson.Default.Outcome));
        Assert.True(a == b, $"{command}\nexpected {a}\nwas      {b}");
    }
}
