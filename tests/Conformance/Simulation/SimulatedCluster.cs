// Several hosts on one ledger under a hostile, seeded schedule: lost replies, writes that fail before and after, stalls, kills, skewed
// clocks, policy changes, expiry, compaction. Virtual time, one thread: a seed gives the same run every time. The auditor judges it.
using NodaTime;
using Purser.Core;
using Purser.Engine;

namespace Purser.Conformance.Simulation;

/// <summary>A store that the simulated hosts share, with queries over it.</summary>
public sealed record SharedLedger(IStore Ledger, IUsageQueries Queries);

public sealed class SimulatedCluster
{
    const int Users = 3;

    readonly Random random;

    /// <summary>Of the clocks that jump, apart from the schedule, which a seed has always given.</summary>
    readonly Random jumps;
    readonly SeededScheduler scheduler;
    readonly SharedLedger shared;
    readonly ManualTime time = new();
    readonly List<Host> hosts = [];
    readonly string[] accounts;
    readonly List<Exchange> exchanges = [];
    readonly List<string> trace = [];
    readonly List<TaskCompletionSource> stalled = [];

    /// <summary>The journals as they were before they were compacted: the auditor wants all of it.</summary>
    readonly Dictionary<string, List<JournalEntry>> archive = [];
    readonly Dictionary<string, BudgetCommand> identified = [];
    int outstanding;
    bool calm;

    /// <summary>Whether limits of every unit and window are played, with sessions, and usage that is taken back.</summary>
    readonly bool wide;

    /// <summary>The limits of the wide world: what they count stays, how much they allow changes.</summary>
    readonly IReadOnlyList<Limit> shapes;

    sealed record Host(EmbeddedAuthority Authority, FaultyLedger Ledger, ManualTime Clock)
    {
        public bool Killed { get; set; }

        public TimeSpan Jumped { get; set; }
    }

    SimulatedCluster(int seed, SharedLedger shared, bool wide)
    {
        random = new(seed);
        this.wide = wide;
        jumps = new(~seed);
        scheduler = new(random);
        this.shared = shared;
        accounts = Enumerable.Range(0, random.Next(1, 4)).Select(i => $"acct-{i}").ToArray();
        var count = random.Next(2, 6);
        for (var i = 0; i < count; i++) hosts.Add(NewHost());
        shapes = wide ? SomeShapes() : [];
    }

    /// <summary>Runs one seed; the findings are empty where every promise held.</summary>
    public static (IReadOnlyList<string> Findings, IReadOnlyList<string> Trace) Run(int seed, SharedLedger shared, int steps = 120,
        bool wide = false)
    {
        var cluster = new SimulatedCluster(seed, shared, wide);
        try
        {
            return (cluster.Play(steps), cluster.trace);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return ([$"the simulation itself failed: {e}"], cluster.trace);
        }
    }

    /// <summary>Runs a seed, and on a finding again with ever more steps, for the shortest failing trace.</summary>
    public static string? Check(int seed, Func<SharedLedger> open, int steps = 120, bool wide = false)
    {
        var (findings, trace) = Run(seed, open(), steps, wide);
        if (findings.Count == 0) return null;
        for (var fewer = 1; fewer < steps; fewer++)
        {
            var (again, shorter) = Run(seed, open(), fewer, wide);
            if (again.Count == 0) continue;
            (findings, trace, steps) = (again, shorter, fewer);
        }
        return $"seed {seed}, {steps} "
            + $"steps{(wide ? ", wide" : "")}:{Environment.NewLine}{string.Join(Environment.NewLine, trace)}{Environment.NewLine}=> "
            + $"{string.Join(Environment.NewLine + "=> ", findings)}";
    }

    Host NewHost()
    {
        var clock = new ManualTime(time.GetUtcNow() + TimeSpan.FromSeconds(random.Next(3) == 0 ? random.Next(-300, 300) : 0));
        var ledger = new FaultyLedger(shared.Ledger)
        {
            OnAppend = _ => calm ? Fault.None : random.Next(12) switch { 0 => Fault.BeforeWrite, 1 => Fault.AfterWrite, _ => Fault.None },
        };
        ledger.BeforeAppend = async _ =>
        {
            if (calm || random.Next(4) != 0) return;
            var until = new TaskCompletionSource();
            stalled.Add(until);
            await until.Task;
        };
        // Other hosts come between what one reads and keeps of an account.
        if (wide) ledger.BeforeState = async () => await Task.Yield();
        // Some hosts keep a snapshot after nearly every batch, some now and then, some never in so short a run.
        var eventsPerSnapshot = random.Next(3) switch { 0 => 1, 1 => random.Next(2, 30), _ => SessionParts.UsualEventsPerSnapshot };
        return new(new(ledger, clock, new()
        {
            DeadlinePoll = Timeout.InfiniteTimeSpan, IdleAfter = TimeSpan.FromDays(300), Scheduler = scheduler,
            EventsPerSnapshot = eventsPerSnapshot,
            // Each jump of the clock is measured when it comes; between two of them nothing changes, and days pass here.
            ClockPoll = TimeSpan.FromMinutes(5),
            // Most hosts hardly keep a counter of a single user in memory.
            MostKeyedCounters = random.Next(3) == 0 ? SessionParts.UsualKeyedCounters : random.Next(3),
        }), ledger, clock);
    }

    List<string> Play(int steps)
    {
        // In the wide world limits are there from the first call on: no counter begins with what came before it.
        calm = wide;
        foreach (var account in accounts) Send(account, new SetPolicy(RandomPolicy()), hosts[0]);
        if (wide) scheduler.Run(int.MaxValue);
        calm = false;
        for (var step = 0; step < steps; step++)
        {
            switch (random.Next(20))
            {
                case 0: Advance(TimeSpan.FromMilliseconds(random.Next(1, 2000))); break;
                case 1: Advance(TimeSpan.FromMinutes(random.Next(1, 40))); break;
                case 2 when random.Next(3) == 0: Kill(); break;
                case 3 when random.Next(3) == 0: DeleteSnapshots(); break;
                case 4: Release(); break;
                case 9 when wide && random.Next(4) == 0: Advance(TimeSpan.FromHours(random.Next(1, 60))); break;
                case 5: Evict(); break;
                case 6: Poll(); break;
                case 7 when random.Next(4) == 0: Crowd(); break;
                case 8 when random.Next(2) == 0: Compact(); break;
                default: Send(accounts[random.Next(accounts.Length)], RandomCommand(), Somebody()); break;
            }
            if (jumps.Next(20) == 0) JumpClock();
            scheduler.Run(random.Next(0, 40));
        }
        calm = true;
        while (outstanding > 0 || stalled.Count > 0)
        {
            while (stalled.Count > 0) Release();
            if (!scheduler.Run(int.MaxValue) && stalled.Count == 0 && outstanding > 0) return ["callers wait for ever"];
        }
        return Judge();
    }

    void Advance(TimeSpan by)
    {
        trace.Add($"time +{by}");
        time.Advance(by);
        foreach (var host in hosts) host.Clock.Advance(by);
    }

    /// <summary>The wall clock of a host jumps, by minutes to years, or back to where it was; nobody may notice but its operator.</summary>
    void JumpClock()
    {
        var host = hosts[jumps.Next(hosts.Count)];
        var by = host.Jumped != TimeSpan.Zero && jumps.Next(2) == 0 ? -host.Jumped
            : TimeSpan.FromMinutes(10 * Math.Pow(10, jumps.NextDouble() * 5.5)) * (jumps.Next(2) == 0 ? 1 : -1);
        trace.Add($"the clock of host {hosts.IndexOf(host)} jumps {by}");
        host.Jumped += by;
        host.Clock.Step(by);
        host.Authority.Clock.MeasureAsync(host.Ledger);
    }

    /// <summary>A killed host answers nobody any more; a write it had under way may still arrive.</summary>
    void Kill()
    {
        var victim = random.Next(hosts.Count);
        trace.Add($"kill host {victim}");
        hosts[victim].Killed = true;
        hosts[victim].Ledger.OnAppend = _ => random.Next(2) == 0 ? Fault.BeforeWrite : Fault.AfterWrite;
        hosts[victim] = NewHost();
    }

    void DeleteSnapshots()
    {
        trace.Add("delete snapshots");
        scheduler.Start(() => shared.Ledger.DeleteSnapshotsAsync());
    }

    void Compact()
    {
        var account = accounts[random.Next(accounts.Length)];
        var (before, most) = (Instant.FromDateTimeOffset(time.GetUtcNow()) - Duration.FromMinutes(random.Next(-10, 60)),
            random.Next(1, 40));
        trace.Add($"compact {account}");
        scheduler.Start(async () =>
        {
            await JournalAsync(account);
            await shared.Ledger.CompactAsync(account, before, most);
        });
    }

    /// <summary>The whole journal of an account.</summary>
    async Task<List<JournalEntry>> JournalAsync(string account)
    {
        if (!archive.TryGetValue(account, out var journal)) archive[account] = journal = [];
        while (await shared.Ledger.ReadJournalAsync(account, journal.Count, 1000) is { Count: > 0 } entries) journal.AddRange(entries);
        return journal;
    }

    void Release()
    {
        if (stalled.Count == 0) return;
        var next = random.Next(stalled.Count);
        var one = stalled[next];
        stalled.RemoveAt(next);
        one.SetResult();
    }

    void Evict()
    {
        var host = Somebody();
        trace.Add("evict");
        host.Clock.Jump(TimeSpan.FromDays(400));
        var evicted = scheduler.Start(host.Authority.EvictIdleAsync);
        host.Clock.Jump(TimeSpan.FromDays(-400));
        _ = evicted;
    }

    void Poll()
    {
        trace.Add("poll deadlines");
        var host = Somebody();
        scheduler.Start(async () =>
        {
            try
            {
                await host.Authority.PollDeadlinesAsync();
            }
            catch (LedgerUnavailableException)
            {
                // As in the host: the next poll will do.
            }
        });
    }

    Host Somebody() => hosts[random.Next(hosts.Count)];

    /// <summary>A caller: sends, and on a transient answer tries again, there or elsewhere, with the same id.</summary>
    void Send(string account, BudgetCommand command, Host host)
    {
        trace.Add($"host {hosts.IndexOf(host)} {account} {Describe(command)}");
        outstanding++;
        scheduler.Start(async () =>
        {
            try
            {
                for (var attempt = 0; attempt < 12; attempt++)
                {
                    if (host.Killed) host = Somebody();
                    var (sent, millis) = (await VersionAsync(account), Millis(host));
                    var outcome = await host.Authority.SendAsync(account, command);
                    if (host.Killed) continue;
                    if (!outcome.IsTransient)
                    {
                        exchanges.Add(new(account, command, sent, await VersionAsync(account), millis, Millis(host), outcome));
                        return;
                    }
                    if (random.Next(5) == 0) return;
                    host = Somebody();
                }
            }
            finally
            {
                outstanding--;
            }
        });
    }

    /// <summary>Every host at once on one account: conflict upon conflict, until they take turns.</summary>
    void Crowd()
    {
        trace.Add("crowd");
        var account = accounts[random.Next(accounts.Length)];
        for (var i = 0; i < 3; i++)
            foreach (var host in hosts.ToArray())
                Send(account, RandomCommand(), host);
    }

    static long Millis(Host host) => host.Authority.Clock.Now.ToUnixTimeMilliseconds();

    /// <summary>An append that expects what can not be is refused with the version that is.</summary>
    async Task<long> VersionAsync(string account) => (await shared.Ledger.AppendAsync([new(account, -1, [])]))[0].Version;

    static Limit Shape(string id, LimitUnit unit, string window, string? each = null) => new()
    {
        Id = id, Unit = unit, Window = Window.TryParse(window, out var parsed) ? parsed : throw new ArgumentException(window), Each = each,
    };

    /// <summary>One that never ends, and some of all the others.</summary>
    IReadOnlyList<Limit> SomeShapes()
    {
        Limit[] all =
        [
            Shape("hourly", LimitUnit.Cost, "hour"), Shape("request", LimitUnit.Cost, "request"),
            Shape("minute", LimitUnit.Requests, "minute"), Shape("day", LimitUnit.Tokens, "day", "user"),
            Shape("week", LimitUnit.Cost, "week"), Shape("month", LimitUnit.InputTokens, "month"),
            Shape("quarter", LimitUnit.OutputTokens, "quarter"), Shape("year", LimitUnit.Requests, "year", "user"),
            Shape("rolling", LimitUnit.Tokens, "rolling:PT10M"), Shape("rolling-each", LimitUnit.Cost, "rolling:PT1H", "user"),
            Shape("rolling-day", LimitUnit.OutputTokens, "rolling:P1D"), Shape("session", LimitUnit.Tokens, "session"),
            Shape("session-cost", LimitUnit.Cost, "session"),
        ];
        random.Shuffle(all);
        return [Shape("ever", LimitUnit.Tokens, "lifetime"), .. all.Take(5)];
    }

    Limit Sized(Limit shape) => shape with
    {
        Amount = shape.Unit switch
        {
            LimitUnit.Cost => random.Next(1, 40) * 100_000,
            LimitUnit.Requests => random.Next(1, 20),
            _ => random.Next(1, 40) * 100,
        } * (shape.Window.Kind is WindowKind.Lifetime or >= WindowKind.Week and <= WindowKind.Year ? 3 : 1),
        Enforcement = random.Next(4) switch { 0 => Enforcement.Adaptive, 1 when shape.Id != "ever" => Enforcement.Soft,
            _ => Enforcement.Hard },
    };

    Policy RandomPolicy() => wide ? new()
    {
        Limits = [.. shapes.Select(Sized)],
        Holds = random.Next(3) == 0 ? new(OnExpiry: ExpiryRule.Charge) : null,
        Adaptive = new([DegradationMeasure.ReduceMaxTokens], null, 10),
    } : new()
    {
        Limits =
        [
            Calls.Tokens("ever", "lifetime", random.Next(2, 60) * 100),
            Calls.Tokens("hourly", "hour", random.Next(1, 20) * 100),
            Calls.Tokens("daily", "day", random.Next(1, 40) * 100) with { Each = "user" },
            new Limit { Id = "calls", Unit = LimitUnit.Requests, Window = new(WindowKind.Hour), Amount = random.Next(2, 30) },
        ],
        Holds = random.Next(3) == 0 ? new(OnExpiry: ExpiryRule.Charge) : null,
    };

    BudgetCommand RandomCommand()
    {
        var command = NewCommand();
        // Ids come from small pools, so that callers repeat each other: the same id then means the same body.
        var key = command switch
        {
            Reserve reserve => "h" + reserve.Id,
            Settle settle => "u" + settle.Id,
            Record record => "u" + record.Id,
            Extend extend => "x" + extend.Id,
            AddOverride add => "o" + add.Id,
            Credit credit => "u" + credit.Id,
            _ => null,
        };
        if (key is null) return command;
        if (identified.TryGetValue(key, out var known)) return known;
        return identified[key] = command;
    }

    BudgetCommand NewCommand() => wide ? NewWideCommand() : NewNarrowCommand();

    BudgetCommand NewWideCommand()
    {
        var (hold, usage, by) = ($"h{random.Next(40)}", $"u{random.Next(60)}", "simulation");
        Usage Used() => new()
        {
            InputTokens = random.Next(0, 200), OutputTokens = random.Next(0, 200), CostNanos = random.Next(0, 400_000),
        };
        return random.Next(30) switch
        {
            < 8 => new Reserve(hold, SomeEstimate(), random.Next(3) == 0 ? random.Next(1, 120) : null),
            < 12 => new Settle(hold, usage, Used(), Final: random.Next(3) != 0),
            12 => new Settle(hold, usage, Used(), Unknown: true),
            13 or 14 => new Release(hold),
            < 18 => new Record(usage, Used() with
            {
                Dimensions = SomeCall(),
                Timestamp = random.Next(2) == 0 ? null : Instant.FromDateTimeOffset(time.GetUtcNow()) - Duration.FromMinutes(
                    random.Next(-90, 90)),
            }),
            18 => new Extend(hold, $"x{random.Next(20)}", random.Next(1, 600), random.Next(2) == 0
                ? null : SomeEstimate() with { Dimensions = Dimensions.None }),
            19 => new AddOverride($"o{random.Next(6)}", new()
            {
                LimitId = shapes[random.Next(shapes.Count)].Id, Additional = random.Next(1, 5) * 100, Reason = by, CreatedBy = by,
                ExpiresAt = Instant.FromDateTimeOffset(time.GetUtcNow()) + Duration.FromMinutes(random.Next(10, 100)),
            }),
            20 => new SetPolicy(RandomPolicy()),
            21 => new GetStatus(),
            22 or 23 => new VoidUsage(usage, by, by),
            24 => new CorrectUsage(usage, Used(), by, by),
            25 or 26 => new Credit($"c{random.Next(20)}", new()
            {
                UsageId = usage, Unit = (LimitUnit)random.Next(5), Amount = random.Next(1, 100), By = by, Reason = by,
            }),
            27 when random.Next(3) == 0 => new CloseSession(SomeCall().Session ?? "s0"),
            _ => new Check(SomeEstimate()),
        };
    }

    /// <summary>Every unit is known, so that no limit finds the estimate silent.</summary>
    Estimate SomeEstimate()
    {
        var estimate = new Estimate { Dimensions = SomeCall(), CostNanos = random.Next(1, 8) * 50_000 };
        return random.Next(3) == 0 ? estimate with { Tokens = random.Next(1, 8) * 50 }
            : estimate with { InputTokens = random.Next(0, 200), MaxOutputTokens = random.Next(1, 300) };
    }

    Dimensions SomeCall() => new()
    {
        User = random.Next(3) == 0 ? null : $"user-{random.Next(Users)}", Session = random.Next(3) == 0 ? null : $"s{random.Next(Users)}",
    };

    BudgetCommand NewNarrowCommand()
    {
        var hold = $"h{random.Next(40)}";
        return random.Next(24) switch
        {
            < 8 => new Reserve(hold, new() { Tokens = random.Next(1, 8) * 50, Dimensions = SomeUser() }, random.Next(3) == 0
                ? random.Next(1, 120) : null),
            < 12 => new Settle(hold, $"u{random.Next(60)}", new() { InputTokens = random.Next(0, 400) }, Final: random.Next(3) != 0),
            12 => new Settle(hold, $"u{random.Next(60)}", new() { InputTokens = random.Next(0, 100) }, Unknown: true),
            13 or 14 => new Release(hold),
            15 or 16 => new Record($"u{random.Next(60)}", new()
            {
                InputTokens = random.Next(1, 200),
                Dimensions = SomeUser(),
                Timestamp = random.Next(2) == 0 ? null : Instant.FromDateTimeOffset(time.GetUtcNow()) - Duration.FromMinutes(
                    random.Next(-90, 90)),
            }),
            17 => new Extend(hold, $"x{random.Next(20)}", random.Next(1, 600), random.Next(2) == 0
                ? null : new() { Tokens = random.Next(1, 200) }),
            18 => new AddOverride($"o{random.Next(6)}", new()
            {
                LimitId = random.Next(2) == 0 ? "ever" : "hourly",
                Additional = random.Next(1, 5) * 100,
                Reason = "simulated",
                CreatedBy = "simulation",
                ExpiresAt = Instant.FromDateTimeOffset(time.GetUtcNow()) + Duration.FromMinutes(random.Next(10, 100)),
            }),
            19 => new SetPolicy(RandomPolicy()),
            20 => new GetStatus(),
            _ => new Check(new() { Tokens = random.Next(1, 8) * 50, Dimensions = SomeUser() }),
        };
    }

    Dimensions SomeUser() => random.Next(3) == 0 ? Dimensions.None : new() { User = $"user-{random.Next(Users)}" };

    static string Describe(BudgetCommand command) => command switch
    {
        Reserve { Estimate: { CostNanos: not null } asked } reserve => $"reserve {reserve.Id} {Shown(asked)} ttl {reserve.TtlSeconds}",
        Check { Estimate: { CostNanos: not null } asked } => $"check {Shown(asked)}",
        Settle { Usage.CostNanos: not null } settle => $"settle {settle.ReservationId} by {settle.Id} {Shown(settle.Usage)}"
            + $"{(settle.Final ? "" : " in part")}{(settle.Unknown ? " unknown" : "")}",
        Record { Usage: { CostNanos: not null } used } record => $"record {record.Id} {Shown(used)} at {used.Timestamp}",
        VoidUsage taken => $"void {taken.UsageId}",
        CorrectUsage correct => $"correct {correct.UsageId} {Shown(correct.Usage)}",
        Credit { Terms: var terms } credit => $"credit {credit.Id} {terms.Amount} {terms.Unit} of {terms.UsageId}",
        CloseSession close => $"close {close.Session}",
        Reserve reserve =>
            $"reserve {reserve.Id} {reserve.Estimate.Tokens} for {reserve.Estimate.Dimensions.User ?? "nobody"} ttl {reserve.TtlSeconds}",
        Settle settle =>
            $"settle {settle.ReservationId} by {settle.Id} "
                + $"{settle.Usage.InputTokens}{(settle.Final ? "" : " in part")}{(settle.Unknown ? " unknown" : "")}",
        Record record =>
            $"record {record.Id} {record.Usage.InputTokens} for {record.Usage.Dimensions.User ?? "nobody"} at {record.Usage.Timestamp}",
        Release release => $"release {release.ReservationId}",
        Extend extend => $"extend {extend.ReservationId} by {extend.Id} {extend.Estimate?.Tokens}",
        SetPolicy set => "policy " + string.Join(", ", set.Policy.Limits.Select(limit => $"{limit.Id}={limit.Amount}")),
        Check check => $"check {check.Estimate.Tokens} for {check.Estimate.Dimensions.User ?? "nobody"}",
        AddOverride add => $"override {add.Id} {add.Terms.LimitId} +{add.Terms.Additional}",
        _ => command.GetType().Name,
    };

    static string Shown(Estimate asked) => $"{asked.Tokens}{asked.InputTokens}+{asked.MaxOutputTokens} tokens, {asked.CostNanos} nanos for "
        + $"{asked.Dimensions.User ?? "nobody"} in {asked.Dimensions.Session ?? "no session"}";

    static string Shown(Usage used) => $"{used.InputTokens}+{used.OutputTokens} tokens, {used.CostNanos} nanos for "
        + $"{used.Dimensions.User ?? "nobody"} in {used.Dimensions.Session ?? "no session"}";

    List<string> Judge()
    {
        var findings = new List<string>();
        var judged = scheduler.Start(async () =>
        {
            foreach (var account in accounts)
            {
                var journal = await JournalAsync(account);
                findings.AddRange(Auditor.Audit(account, journal, exchanges));
                await TotalsAsync(account, journal, findings);
            }
        });
        scheduler.Run(int.MaxValue);
        if (judged.IsFaulted) throw judged.Exception!;
        return findings;
    }

    /// <summary>Reports add up to the records, and a host that knows nothing yet shows what the auditor's own book says.</summary>
    async Task TotalsAsync(string account, List<JournalEntry> journal, List<string> findings)
    {
        var book = new Book();
        foreach (var happened in journal.SelectMany(entry => entry.Events)) book.Take(happened);
        var sums = await shared.Queries.SumAsync(new() { Account = account }, [], UsageStep.Whole);
        var (tokens, requests) = ((long)sums.Sum(sum => (decimal)(sum.InputTokens + sum.OutputTokens)),
            (long)sums.Sum(sum => (decimal)sum.Requests));
        var (booked, calls) = (book.Booked.Sum(one => one.Amounts.Tokens), book.Booked.Sum(one => one.Amounts.Requests));
        var (cost, spent) = ((long)sums.Sum(sum => (decimal)sum.CostNanos), book.Booked.Sum(one => one.Amounts.CostNanos));
        if (cost != spent) findings.Add($"{account}: the report says {cost} nanos, the journal {spent}");
        if ((tokens, requests) != (booked, calls))
            findings.Add($"{account}: the report says {tokens} tokens in {requests} requests, the journal {booked} in {calls}");

        var fresh = NewHost();
        fresh.Clock.Jump(Instant.FromUnixTimeMilliseconds(book.Now).ToDateTimeOffset() - fresh.Clock.GetUtcNow());
        var outcome = await fresh.Authority.SendAsync(account, new GetStatus());
        if (outcome.Answer is not AccountStatus status) return;
        findings.AddRange(status.Limits.Where(limit => limit.Settled.Value < 0 || limit.Held.Value < 0)
            .Select(limit => $"{account}: limit '{limit.LimitId}' '{limit.Key}' stands at {limit.Settled} settled and {limit.Held} held"));
        // What is due at this moment has just happened in the fresh host, and is not in the journal that was read.
        var due = (await shared.Ledger.ReadJournalAsync(account, journal.Count, 10)).SelectMany(entry => entry.Events).ToList();
        foreach (var happened in due) book.Take(happened);
        // A clock does not go back: the host may stand later than the last entry.
        var at = Math.Max(book.Now, Millis(fresh));
        foreach (var view in status.Limits)
        {
            // Whoever sent the first policy may have given up.
            if (book.Limits.FirstOrDefault(one => one.Id == view.LimitId) is not { Window.Kind: not WindowKind.Request } limit) continue;
            var (settled, held) = (book.SettledIn(limit, view.Key ?? "", at), book.HeldIn(limit, view.Key ?? "", at));
            if ((view.Settled.Value, view.Held.Value) != (settled, held))
                findings.Add($"{account}: status says {view.Settled} settled and {view.Held} held of limit '{view.LimitId}' '{view.Key}', "
                    + $"the journal {settled} and {held}");
        }
    }
}
