// Puts another file under the descriptor of one that is open: a disk that fails in the middle of its work.
using System.Runtime.InteropServices;

namespace Purser.Ledger.Tests;

/// <summary>Until its end, whatever this process does with the file that it has open fails: it can be neither written nor cut.</summary>
sealed class Descriptor : IDisposable
{
    readonly int of, kept;

    public Descriptor(string path)
    {
        of = int.Parse(Path.GetFileName(Directory.GetFiles("/proc/self/fd").Single(link => new FileInfo(link).LinkTarget == path)),
            System.Globalization.CultureInfo.InvariantCulture);
        kept = Duplicate(of);
        using var full = File.OpenHandle("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        if (kept < 0 || Put((int)full.DangerousGetHandle(), of) < 0) throw new InvalidOperationException("it can not be put there");
    }

    [DllImport("libc", EntryPoint = "dup")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    static extern int Duplicate(int descriptor);

    [DllImport("libc", EntryPoint = "dup2")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    static extern int Put(int descriptor, int over);

    [DllImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    static extern int Close(int descriptor);

    public void Dispose()
    {
        _ = Put(kept, of);
        _ = Close(kept);
    }
}
