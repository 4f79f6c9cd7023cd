// How answers are written: into a buffer that the thread keeps, then whole, with their length.
using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Purser.Api;

static class Reply
{
    /// <summary>A buffer that grew beyond this is not kept.</summary>
    const int LargestKept = 1024 * 1024;

    // Used between two awaits only, so no other request of the thread can be in the middle of it.
    [ThreadStatic] static ArrayBufferWriter<byte>? buffer;
    [ThreadStatic] static Utf8JsonWriter? writer;

    // Nothing here is put into HTML by the service, so text stays readable.
    static readonly JsonWriterOptions readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Task JsonAsync<T>(
        HttpContext http, int status, T document, JsonTypeInfo<T> type, string contentType = "application/json") =>
        JsonAsync(http, status, (document, type), static (writer, one) => JsonSerializer.Serialize(writer, one.document, one.type),
            contentType);

    /// <param name="write">Writes the answer as JSON.</param>
    public static Task JsonAsync<T>(HttpContext http, int status, T answer, Action<Utf8JsonWriter, T> write,
        string contentType = "application/json")
    {
        var into = buffer ??= new(4096);
        writer ??= new(into, readable);
        into.ResetWrittenCount();
        writer.Reset(into);
        try
        {
            write(writer, answer);
            writer.Flush();
            var response = http.Response;
            response.StatusCode = status;
            response.ContentType = contentType;
            response.ContentLength = into.WrittenCount;
            response.BodyWriter.Write(into.WrittenSpan);
        }
        finally
        {
            if (into.Capacity > LargestKept) (buffer, writer) = (null, null);
        }
        var flushed = http.Response.BodyWriter.FlushAsync();
        return flushed.IsCompletedSuccessfully ? Task.CompletedTask : flushed.AsTask();
    }
}
