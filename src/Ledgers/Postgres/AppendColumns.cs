// An append as columns: one array for each, as the function in the schema takes them.
using Npgsql;
using NpgsqlTypes;
using Purser.Engine;

namespace Purser.Ledgers.Postgres;

static class AppendColumns
{
    public static void Bind(NpgsqlCommand command, IReadOnlyList<Append> batch, int[] order)
    {
        var count = batch.Count;
        var (accounts, shards, expected, known, ats, deadlines, events) =
            (new string[count], new short[count], new long[count], new long?[count], new long[count], new long?[count], new byte[]?[count]);
        var usage = new UsageColumns();
        var (holdOwners, holdIds, holds) = (new List<int>(), new List<string>(), new List<byte[]>());
        var (newHoldOwners, newHoldIds) = (new List<int>(), new List<string>());
        var (newUsageOwners, newUsageIds) = (new List<int>(), new List<string>());
        for (var i = 0; i < count; i++)
        {
            var append = batch[order[i]];
            accounts[i] = append.Account;
            shards[i] = (short)Shard.NumberOf(append.Account);
            expected[i] = append.ExpectedVersion;
            known[i] = append.SettingsVersion;
            ats[i] = append.At.ToUnixTimeMilliseconds();
            deadlines[i] = append.NextDeadlineMillis;
            if (append.Events.Count == 0) continue;
            events[i] = append.EncodedEvents;
            foreach (var (record, bytes) in append.EncodedUsage) usage.Add(i + 1, record, bytes.ToArray());
            foreach (var (id, bytes) in append.EncodedHolds)
            {
                holdOwners.Add(i + 1);
                holdIds.Add(id);
                holds.Add(bytes);
            }
            // A new account has none.
            if (append.ExpectedVersion == 0) continue;
            foreach (var id in append.NewHolds)
            {
                newHoldOwners.Add(i + 1);
                newHoldIds.Add(id);
            }
            foreach (var id in append.NewUsage)
            {
                newUsageOwners.Add(i + 1);
                newUsageIds.Add(id);
            }
        }
        Add(accounts, NpgsqlDbType.Text);
        Add(shards, NpgsqlDbType.Smallint);
        Add(expected, NpgsqlDbType.Bigint);
        Add(known, NpgsqlDbType.Bigint);
        Add(ats, NpgsqlDbType.Bigint);
        Add(deadlines, NpgsqlDbType.Bigint);
        Add(events, NpgsqlDbType.Bytea);
        usage.Bind(Add);
        Add(holdOwners, NpgsqlDbType.Integer);
        Add(holdIds, NpgsqlDbType.Text);
        Add(holds, NpgsqlDbType.Bytea);
        Add(newHoldOwners, NpgsqlDbType.Integer);
        Add(newHoldIds, NpgsqlDbType.Text);
        Add(newUsageOwners, NpgsqlDbType.Integer);
        Add(newUsageIds, NpgsqlDbType.Text);

        void Add(object values, NpgsqlDbType type) =>
            command.Parameters.Add(new() { Value = values, NpgsqlDbType = NpgsqlDbType.Array | type });
    }

    sealed class UsageColumns
    {
        readonly List<int> owner = [];
        readonly List<string> id = [];
        readonly List<long> at = [], bookedAt = [];
        readonly List<string?> orchestrator = [], user = [], tenant = [], session = [], provider = [], model = [], tool = [], request = [],
            reservation = [];
        readonly List<bool> success = [], unpriced = [];
        readonly List<long> input = [], output = [], requests = [], cost = [];
        readonly List<string> currency = [];
        readonly List<long?> duration = [];
        readonly List<byte[]> record = [];

        public void Add(int ordinal, Core.UsageRecord one, byte[] bytes)
        {
            var call = one.Usage.Dimensions;
            owner.Add(ordinal);
            id.Add(one.Id);
            at.Add(one.At.ToUnixTimeMilliseconds());
            bookedAt.Add(one.BookedAt.ToUnixTimeMilliseconds());
            orchestrator.Add(call.Orchestrator);
            user.Add(call.User);
            tenant.Add(call.Tenant);
            session.Add(call.Session);
            provider.Add(one.Provider);
            model.Add(one.Model);
            tool.Add(RollupKey.ToolsOf(one.Usage));
            request.Add(one.Usage.RequestId);
            reservation.Add(one.ReservationId);
            success.Add(one.Usage.Success);
            unpriced.Add(one.Unpriced || one.GivesPrice);
            input.Add(one.Told.Input);
            output.Add(one.Told.Output);
            requests.Add(one.Amounts.Requests);
            cost.Add(one.Amounts.CostNanos);
            currency.Add(one.Currency);
            duration.Add(one.Usage.DurationMs);
            record.Add(bytes);
        }

        public void Bind(Action<object, NpgsqlDbType> add)
        {
            add(owner, NpgsqlDbType.Integer);
            add(id, NpgsqlDbType.Text);
            add(at, NpgsqlDbType.Bigint);
            add(bookedAt, NpgsqlDbType.Bigint);
            foreach (var names in new[] { orchestrator, user, tenant, session, provider, model, tool, request, reservation })
                add(names, NpgsqlDbType.Text);
            add(success, NpgsqlDbType.Boolean);
            add(unpriced, NpgsqlDbType.Boolean);
            foreach (var sums in new[] { input, output, requests, cost }) add(sums, NpgsqlDbType.Bigint);
            add(currency, NpgsqlDbType.Text);
            add(duration, NpgsqlDbType.Bigint);
            add(record, NpgsqlDbType.Bytea);
        }
    }
}
