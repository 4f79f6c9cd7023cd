// A form with files (sound to be written down, pictures to be changed), looked at while it comes in: its fields are kept, and of each file
// its length and its first bytes. The form itself goes on to the provider byte for byte; what of it is large waits in a temporary file.
using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace Purser.Gate.Wire;

/// <summary>A file of a form. <see cref="Head"/>: as much of its beginning as its size or length is looked for in.</summary>
sealed record FormFile(string Field, long Length, ReadOnlyMemory<byte> Head);

sealed class WireForm : IAsyncDisposable
{
    /// <summary>More than this of a form does not stay in memory.</summary>
    const int KeptInMemory = 1024 * 1024;

    const int LongestHead = 256 * 1024, LongestFields = 1024 * 1024, MostParts = 1000, MostHeads = 20, LongestBoundary = 200;

    readonly Dictionary<string, string> fields = new(StringComparer.Ordinal);
    readonly List<FormFile> files = [];

    WireForm(FormBody body) => Body = body;

    /// <summary>All of it, from its beginning.</summary>
    public Stream Body { get; }

    public IReadOnlyList<FormFile> Files => files;

    public static async Task<WireForm> ReadAsync(HttpRequest request, long most, FormRoom room, CancellationToken cancellation)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type) || type.MediaType != "multipart/form-data"
            || HeaderUtilities.RemoveQuotes(type.Boundary) is not { Length: > 0 and <= LongestBoundary } boundary)
            throw new WireException("must be multipart/form-data with a boundary", "Content-Type");
        var form = new WireForm(new FormBody(request.Body, KeptInMemory, most, room));
        try
        {
            await form.ReadPartsAsync(new MultipartReader(boundary.Value!, form.Body), cancellation);
            // What stands behind the last part belongs to the body, too.
            await form.Body.CopyToAsync(Stream.Null, cancellation);
            form.Body.Position = 0;
            return form;
        }
        catch (Exception wrong)
        {
            await form.DisposeAsync();
            // The server's own exception says that the body is too large or that it came too slowly.
            if (wrong is InvalidDataException
                || (wrong is IOException and not BadHttpRequestException && !cancellation.IsCancellationRequested))
                throw new WireException("the body must be a form (multipart/form-data) of at most 100 MiB that is whole");
            throw;
        }
    }

    async Task ReadPartsAsync(MultipartReader reader, CancellationToken cancellation)
    {
        var (parts, characters) = (0, 0);
        var buffer = new byte[16 * 1024];
        while (await reader.ReadNextSectionAsync(cancellation) is { } section)
        {
            if (++parts > MostParts) throw new WireException($"the form has more than {MostParts} parts");
            if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition)
                || HeaderUtilities.RemoveQuotes(disposition.Name) is not { Length: > 0 } name)
                throw new WireException("every part of the form needs a name");
            var isFile = disposition.FileName.HasValue || disposition.FileNameStar.HasValue;
            var kept = new MemoryStream();
            long length = 0;
            for (int read; (read = await section.Body.ReadAsync(buffer, cancellation)) > 0; length += read)
                if (!isFile || (kept.Length < LongestHead && files.Count < MostHeads))
                {
                    kept.Write(buffer, 0, read);
                    if (!isFile && (characters += read) > LongestFields)
                        throw new WireException("the fields of the form, files not counted, are longer than 1 MiB");
                }
            if (isFile) files.Add(new(name.Value!, length, kept.GetBuffer().AsMemory(0, (int)kept.Length)));
            // Lists are named `name[]`. A field that decides what is paid must not be told twice in two ways.
            else if (!fields.TryAdd(name.Value!, Encoding.UTF8.GetString(kept.GetBuffer(), 0, (int)kept.Length))
                && !name.Value!.EndsWith("[]", StringComparison.Ordinal))
                throw new WireException("stands in the form twice", name.Value);
        }
    }

    public string? Text(string name) => fields.GetValueOrDefault(name) is { Length: > 0 } text ? text : null;

    public bool Flag(string name) => Text(name) is "true" or "True" or "1";

    public long? Whole(string name) => Text(name) is not { } text ? null
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
        : throw new WireException("must be a whole number", name);

    public ValueTask DisposeAsync() => Body.DisposeAsync();
}

/// <summary>How much of forms lies in temporary files of this host: a full disk would end other calls, in pods the pod.</summary>
sealed class FormRoom(long most)
{
    long taken;

    public void Take(long bytes)
    {
        if (Interlocked.Add(ref taken, bytes) <= most) return;
        Give(bytes);
        throw new FullException();
    }

    public void Give(long bytes) => Interlocked.Add(ref taken, -bytes);

    public sealed class FullException : Exception;
}

/// <summary>A form as it comes in. What of it is in a file has its room until the file is gone, whoever lets go of it.</summary>
sealed class FormBody(Stream from, int inMemory, long most, FormRoom room) : FileBufferingReadStream(from, inMemory, most, Path.GetTempPath)
{
    long taken;

    /// <summary>Every other way to read it leads here.</summary>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await base.ReadAsync(buffer, cancellationToken);
        if (!InMemory && Length > taken)
        {
            room.Take(Length - taken);
            taken = Length;
        }
        return read;
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        GiveBack();
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        GiveBack();
    }

    void GiveBack() => room.Give(Interlocked.Exchange(ref taken, 0));
}
