// Documents that are read, changed and put back as a whole: what a newer service has in them is not lost on the way.
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>A document that is put as a whole, or a part of one.</summary>
public abstract record OpenDocument
{
    /// <summary>Members that this version of the client does not know. They are put back as they were read.</summary>
    [JsonInclude, JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; internal set; }
}
