// Reading usage from SQLite: records in pages by key, sums from rollups and from the records that they do not include.
using NodaTime;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Relational;

namespace Purser.Ledgers.Sqlite;

public sealed partial class SqliteLedger
{
    internal static readonly UsageDialect dialect = new(_ => "?")
    {
        Contains = "instr(record, {0}) > 0", BesideId = "+", By = index => " INDEXED BY " + index,
        HasPart = column => $"instr(char(31) || {column} || char(31), char(31) || {{0}} || char(31)) > 0",
        IsLike = column => $"{column} like {{0}} escape '\\'",
    };

    /// <summary>A plus sign keeps SQLite from taking an index.</summary>
    static readonly UsageDialect unfoldedDialect = dialect with { Unindexed = "+" };

    public Task<Page<AccountRecord>> FindAsync(UsageFilter filter, string? cursor, int limit, CancellationToken cancellation = default)
    {
        UsageCursor? after = null;
        try
        {
            if (cursor is not null) after = UsageCursor.Parse(cursor);
        }
        catch (FormatException fault)
        {
            return Task.FromException<Page<AccountRecord>>(fault);
        }
        return Read(
            database =>
            {
                if (limit <= 0 || WhereOf(database, filter, RollupPlan.RangeOf(filter)) is not { } where) return new([], null);
                if (after is { } place) where.After(place);
                using var find = Ask(database, $"SELECT at, position, account, record FROM {where.Table}{where} ORDER BY at DESC, position",
                    where);
                var accounts = new AccountNames(database);
                var page = new RecordPage(filter, limit);
                while (find.Read() && page.Take(
                    new(find.Long(0), find.Long(1)), accounts.Of(find.Long(2)), LedgerJson.DecodeRecord(find.Blob(3))))
                {
                }
                return page.Made();
            },
            cancellation);
    }

    public Task<UsageAnswers> AskAsync(IReadOnlyList<UsageQuestion> questions, CancellationToken cancellation = default) => Read(
        database =>
        {
            var (folded, state) = RollupStateOf(database);
            var keptSince = database.Scalar("SELECT kept_since FROM rollup_state");
            var ranges = new Dictionary<UsageFilter, MillisRange>(ReferenceEqualityComparer.Instance);
            var readings = new List<QuestionReading>();
            foreach (var question in questions)
            {
                if (!ranges.TryGetValue(question.Filter, out var range))
                    ranges[question.Filter] = range = Widened(database, question.Filter, keptSince);
                readings.Add(new(question, range, state));
            }
            var known = KeysOf(database, readings);
            foreach (var read in RollupRead.Together(readings.SelectMany(reading => reading.RollupsOf(known))))
                ReadRollups(database, known, read);
            foreach (var together in QuestionReading.Together(readings))
            {
                var records = new RecordReading(together);
                foreach (var where in RecordsOf(database, records.Filter, records.Plan, folded))
                {
                    using var find = Ask(database, $"SELECT {records.Columns} FROM {where.Table}{where}", where);
                    var row = new UsageRow(find, new(database));
                    while (find.Read()) records.Take(row);
                }
            }
            return new UsageAnswers([.. readings.Select(reading => reading.Answer())], keptSince is { } millis
                ? Instant.FromUnixTimeMilliseconds(millis) : null);
        },
        cancellation);

    public Task<Page<SessionUse>> SessionsAsync(string account, string? session, string? cursor, int limit,
        CancellationToken cancellation = default) => Read(
        database =>
        {
            if (limit <= 0 || HeadOf(database, account) is not { } head) return new([], null);
            var names = new List<string>();
            using (var list = database.Prepare(
                "SELECT DISTINCT session FROM usage WHERE account = ?1 AND session IS NOT NULL AND (?2 IS NULL OR session > ?2) AND "
                    + "(?3 IS NULL OR session = ?3) AND NOT erased ORDER BY session LIMIT ?4"))
            {
                list.Add(head.No).Add(cursor).Add(session).Add(limit + 1L);
                while (list.Read()) names.Add(list.Text(0));
            }
            var more = names.Count > limit;
            if (more) names.RemoveAt(limit);
            if (names.Count == 0) return new([], null);
            var reading = new SessionReading(account);
            using (var row = database.Prepare(
                $"SELECT {SessionReading.Columns} FROM usage WHERE account = ? AND session >= ? AND session <= ? AND NOT erased"))
            {
                row.Add(head.No).Add(names[0]).Add(names[^1]);
                var session = new UsageRow(row, null);
                while (row.Read()) reading.Add(session);
            }
            var records = new Dictionary<long, UsageRecord>();
            using var find = database.Prepare("SELECT record FROM usage WHERE position = ?");
            foreach (var no in reading.Last)
            {
                if (find.Add(no).Read()) records[no] = LedgerJson.DecodeRecord(find.Blob(0));
                find.Reset();
            }
            return new Page<SessionUse>(reading.Sessions(records), more ? names[^1] : null);
        },
        cancellation);

    public Task<IReadOnlyList<string>> WaitingAsync(Instant until, int most, CancellationToken cancellation = default) =>
        DueAsync(until, most);

    public Task<Page<AuditEntry>> HoldsAsync(string account, Instant from, Instant to, string? cursor, int limit,
        CancellationToken cancellation = default) => HoldTrail.ReadAsync(this, account, from, to, cursor, limit);

    public Task<Page<AuditEntry>> AuditAsync(string account, string? cursor, int limit, CancellationToken cancellation = default)
    {
        long after;
        try
        {
            after = AuditTrail.After(cursor);
        }
        catch (FormatException fault)
        {
            return Task.FromException<Page<AuditEntry>>(fault);
        }
        return Read(
            database =>
            {
                if (HeadOf(database, account) is not { } head) return new([], null);
                using var list = database.Prepare(
                    "SELECT version, at, events FROM audit WHERE account = ? AND version > ? ORDER BY version LIMIT ?");
                list.Add(head.No).Add(after).Add(Math.Max(0, limit) + 1L);
                var entries = new List<JournalEntry>();
                while (list.Read())
                    if (list.LongOrNull(1) is { } at)
                        entries.Add(
                            new(account, list.Long(0), Instant.FromUnixTimeMilliseconds(at), LedgerJson.DecodeEvents(list.Blob(2))));
                    else entries.AddRange(EntriesOf(ReadJournal(database, account, head, list.Long(0) - 1, 1)));
                return AuditTrail.PageOf(entries, limit);
            },
            cancellation);
    }

    public Task<Instant?> KeptSinceAsync(CancellationToken cancellation = default) => Read(
        database => database.Scalar("SELECT kept_since FROM rollup_state") is { } millis ? Instant.FromUnixTimeMilliseconds(millis)
            : (Instant?)null, cancellation);

    public Task<Page<string>> AccountsAsync(string? search, string? cursor, int limit, CancellationToken cancellation = default) => Read(
        database =>
        {
            // instr, not LIKE: % and _ are ordinary characters. lower knows ASCII, of which account ids are made.
            using var list = database.Prepare(
                "SELECT account FROM accounts WHERE account > ?1 AND (?2 IS NULL OR instr(lower(account), lower(?2)) > 0) ORDER BY "
                    + "account LIMIT ?3");
            list.Add(cursor ?? "").Add(search).Add(Math.Max(0, limit) + 1L);
            var accounts = new List<string>();
            while (list.Read())
            {
                if (accounts.Count == limit) return new(accounts, limit > 0 ? accounts[^1] : null);
                accounts.Add(list.Text(0));
            }
            return new Page<string>(accounts, null);
        },
        cancellation);

    /// <summary>The conditions under which a plan reads records: those of the edges, and those that are not folded yet.</summary>
    static IEnumerable<UsageWhere> RecordsOf(Database database, UsageFilter filter, RollupPlan plan, long folded)
    {
        foreach (var edge in plan.Edges)
            if (WhereOf(database, filter, edge) is { } where)
                yield return where;
        // Few, and all at the end of the table: no index is better than that, whatever the range says.
        if (plan.Folded.IsEmpty || WhereOf(database, filter, plan.Folded, unindexed: true) is not { } unfolded) yield break;
        unfolded.And("position > {0}", folded);
        yield return unfolded;
    }

    static MillisRange Widened(Database database, UsageFilter filter, long? keptSince) => RollupPlan.Widened(filter, keptSince, range =>
    {
        if (WhereOf(database, filter.Account is null ? new() : new() { Account = filter.Account }, range) is not { } where) return true;
        using var any = Ask(database, $"SELECT 1 FROM usage{where} LIMIT 1", where);
        return !any.Read();
    });

    /// <summary>Null where no record can match, because there is no such account.</summary>
    static UsageWhere? WhereOf(Database database, UsageFilter filter, MillisRange range, bool unindexed = false)
    {
        var how = unindexed ? unfoldedDialect : dialect;
        if (filter.Account is not { } account) return new(how, filter, null, range);
        using var find = database.Prepare("SELECT no FROM accounts WHERE account = ?");
        return find.Add(account).Read() ? new(how, filter, find.Long(0), range) : null;
    }

    static Statement Ask(Database database, string sql, UsageWhere where)
    {
        var statement = database.PrepareOnce(sql);
        foreach (var value in where.Values)
            if (value is long number) statement.Add(number);
            else if (value is byte[] bytes) statement.Add(bytes.AsSpan());
            else statement.Add((string)value);
        return statement;
    }

    /// <summary>A statement's row; <paramref name="accounts"/> where a column refers to one.</summary>
    sealed class UsageRow(Statement row, AccountNames? accounts) : IRow
    {
        public long Long(int column) => row.Long(column);

        public long? LongOrNull(int column) => row.LongOrNull(column);

        public int Int(int column) => (int)row.Long(column);

        public bool Flag(int column) => row.Long(column) != 0;

        public string Text(int column) => row.Text(column);

        public string? TextOrNull(int column) => row.TextOrNull(column);

        public ReadOnlySpan<byte> Blob(int column) => row.Blob(column);

        public string Account(int column) => accounts!.Of(row.Long(column));
    }

    /// <summary>Names of accounts by their numbers, each looked up once.</summary>
    sealed class AccountNames(Database database)
    {
        readonly Dictionary<long, string> names = [];

        public string Of(long no)
        {
            if (names.TryGetValue(no, out var name)) return name;
            using var find = database.Prepare("SELECT account FROM accounts WHERE no = ?");
            if (!find.Add(no).Read()) throw new InvalidDataException($"there is no account {no}");
            return names[no] = find.Text(0);
        }
    }
}
