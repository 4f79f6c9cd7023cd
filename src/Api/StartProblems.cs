// What can be expected to go wrong while a host starts, as one line for whoever starts it, and the exit codes of the executables.
using System.Net.Sockets;
using Purser.Engine;

namespace Purser.Api;

/// <summary>What the exit codes of the executables mean; the same for host, silo and commands.</summary>
public static class ExitCodes
{
    public const int Done = 0;

    /// <summary>A command failed, or found something.</summary>
    public const int Failed = 1;

    /// <summary>Wrong usage, or a wrong setting.</summary>
    public const int WrongUsage = 2;

    /// <summary>A host can not start; a command does not reach its ledger or host.</summary>
    public const int NotReachable = 3;

    /// <summary>A node was told to stop and could not leave in good order.</summary>
    public const int CutShort = 4;
}

public static class StartProblems
{
    /// <summary>Null for what is a fault of the program, which a stack trace explains better. <paramref name="addresses"/>: the settings
    /// that say where it listens, with their values.</summary>
    public static string? LineOf(Exception fault, string addresses)
    {
        for (var inner = fault; inner is not null; inner = inner.InnerException)
            if (inner is SocketException socket && LineOf(socket, addresses) is { } line) return line;
        return fault is LedgerUnavailableException or IOException or UnauthorizedAccessException ? OneLine(fault.Message) : null;
    }

    static string? LineOf(SocketException socket, string addresses) => socket.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => $"{addresses}: another program listens there; stop it, or choose another port",
        SocketError.AccessDenied =>
            $"{addresses}: this user may not listen there (ports below 1024 are for privileged ones); choose a port above",
        SocketError.AddressNotAvailable => $"{addresses}: this machine has no such address",
        _ => null,
    };

    public static string OneLine(string text) => text.ReplaceLineEndings(" ").Trim();
}
