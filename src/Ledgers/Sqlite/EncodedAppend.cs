// An append in the form in which it is stored, made on its caller's thread: the writer should do nothing but write.
using System.Text.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Ledgers.Sqlite;

sealed class EncodedAppend
{
    public EncodedAppend(Append append)
    {
        Account = append.Account;
        ExpectedVersion = append.ExpectedVersion;
        SettingsVersion = append.SettingsVersion;
        AtMillis = append.At.ToUnixTimeMilliseconds();
        if (append.NextDeadline is { } deadline) NextDeadline = UsageCursor.CeilingMillis(deadline);
        if (append.Events.Count == 0) return;
        IsAudited = append.IsAudited;
        Erases = IsAudited && append.Erases;
        (NewHolds, NewUsage) = (append.NewHolds, append.NewUsage);
        try
        {
            Events = append.EncodedEvents;
            ClosedHolds = append.EncodedHolds;
            Usage = append.EncodedUsage;
        }
        catch (Exception fault) when (fault is JsonException or ArgumentException or InvalidOperationException or NotSupportedException)
        {
            Unwritable = true;
        }
    }

    public string Account { get; }
    public long ExpectedVersion { get; }
    public long? SettingsVersion { get; }
    public long AtMillis { get; }
    public long? NextDeadline { get; }

    /// <summary>Empty where the append only confirms the version.</summary>
    public byte[] Events { get; } = [];
    public IReadOnlyList<(string Id, byte[] Bytes)> ClosedHolds { get; } = [];
    public IReadOnlyList<(UsageRecord Record, ReadOnlyMemory<byte> Bytes)> Usage { get; } = [];

    public IReadOnlyCollection<string> NewHolds { get; } = [];
    public IReadOnlyCollection<string> NewUsage { get; } = [];

    public bool IsAudited { get; }
    public bool Erases { get; }

    /// <summary>Something in it has no stored form, so this account fails and the others are written.</summary>
    public bool Unwritable { get; }
}
