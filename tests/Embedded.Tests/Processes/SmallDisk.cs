// A disk that is small enough to be filled: a file system in memory, which only root may mount.
using Purser.Conformance.Servers;

namespace Purser.Embedded.Tests.Processes;

/// <summary>A test that needs to mount; where that is not possible it is counted as skipped, with the reason.</summary>
public sealed class MountFactAttribute : FactAttribute
{
    public override string? Skip
    {
        get => SmallDisk.Missing;
        set => throw new NotSupportedException();
    }
}

sealed class SmallDisk : IAsyncDisposable
{
    static readonly Lazy<string?> missing = new(() => MountAsync(1).GetAwaiter().GetResult().Unmounted());

    SmallDisk(string path) => Path = path;

    public string Path { get; }

    string Ballast => System.IO.Path.Combine(Path, "ballast");

    /// <summary>Why no disk can be mounted here; null where one can.</summary>
    public static string? Missing
    {
        get
        {
            if (!Environment.IsPrivilegedProcess) return "a full disk needs a small one, which only root may mount";
            try
            {
                return missing.Value;
            }
            catch (InvalidOperationException refused)
            {
                return "a small disk can not be mounted here: " + refused.Message;
            }
        }
    }

    string? Unmounted()
    {
        DisposeAsync().AsTask().GetAwaiter().GetResult();
        return null;
    }

    public static async Task<SmallDisk> MountAsync(int megabytes)
    {
        var folder = ServerProcess.NewFolder("disk");
        try
        {
            await ServerProcess.RunAsync("mount", "-t", "tmpfs", "-o", $"size={megabytes}m,mode=0777", "tmpfs", folder);
        }
        catch
        {
            Directory.Delete(folder);
            throw;
        }
        return new(folder);
    }

    /// <summary>Leaves not a byte.</summary>
    public void Fill()
    {
        // Without a buffer, whose rest would be written, and fail, at the end.
        using var ballast = new FileStream(Ballast, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var block = new byte[1024 * 1024];
        try
        {
            while (true) ballast.Write(block);
        }
        catch (IOException)
        {
            // Full.
        }
        for (var size = block.Length / 2; size > 0; size /= 2)
            try
            {
                ballast.Write(block, 0, size);
            }
            catch (IOException)
            {
                // Less than that is left.
            }
    }

    /// <summary>For everybody, root too. Nothing on it may be open for writing.</summary>
    public Task ProtectAsync() => ServerProcess.RunAsync("mount", "-o", "remount,ro", Path);

    public Task UnprotectAsync() => ServerProcess.RunAsync("mount", "-o", "remount,rw", Path);

    public void Free() => File.Delete(Ballast);

    public async ValueTask DisposeAsync()
    {
        // Lazily: a process on its way out may still have a file open.
        await ServerProcess.RunAsync("umount", "-l", Path);
        ServerProcess.DeleteFolder(Path);
    }
}
