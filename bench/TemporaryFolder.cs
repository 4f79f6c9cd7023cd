// A folder that goes with whoever used it.
namespace Purser.Bench;

sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("purser-bench-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
