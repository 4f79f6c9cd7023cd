// Tells whether two commands with one id have the same body.
using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using Purser.Core;

namespace Purser.Engine;

public static class Fingerprints
{
    [ThreadStatic] static ArrayBufferWriter<byte>? buffer;
    [ThreadStatic] static Utf8JsonWriter? writer;

    /// <summary>
    /// As <see cref="Fill"/>, for ids that were made up just now too: where a lost answer is asked for again under the same id, somebody
    /// does repeat it. What repeats it says so by <see cref="IdentifiedCommand.FreshId"/> false.
    /// </summary>
    public static void FillForRepetition(BudgetCommand command)
    {
        if (command is not IdentifiedCommand { FreshId: true } identified) return;
        var repetition = identified with { FreshId = false };
        Fill(repetition);
        identified.Fingerprint = repetition.Fingerprint;
    }

    /// <summary>The command as whoever got no answer to it sends it again: its id may be in the ledger by now.</summary>
    public static BudgetCommand RepetitionOf(BudgetCommand command) => command is IdentifiedCommand { FreshId: true } identified
        ? identified with { FreshId = false } : command;

    /// <summary>64 bits of SHA-256 over the command's one JSON form; 0 for an id that was made up just now, which nobody can
    /// repeat.</summary>
    public static void Fill(BudgetCommand command)
    {
        if (command is not IdentifiedCommand { FreshId: false } identified) return;
        buffer ??= new(1024);
        writer ??= new(buffer, new() { SkipValidation = true });
        buffer.ResetWrittenCount();
        writer.Reset(buffer);
        // A call that is repeated with another key, or by another attempt, is the same call.
        var asked = command.KeyId is null ? command : command with { KeyId = null };
        if (asked is Reserve { Attempt: not null } reserve) asked = reserve with { Attempt = null };
        QuickJson.Write(writer, asked);
        writer.Flush();
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(buffer.WrittenSpan, hash);
        identified.Fingerprint = BinaryPrimitives.ReadInt64LittleEndian(hash);
    }
}
