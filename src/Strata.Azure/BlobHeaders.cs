using System.Net.Http.Headers;
using Azure.Core;

namespace Strata.Azure;

/// <summary>A blob's headers as they are sent.</summary>
/// <param name="ContentType">As HTTP takes it; null if the blob has none, or one that no header can carry.</param>
/// <param name="ContentEncoding">The same.</param>
/// <param name="Metadata">Names without <c>x-ms-meta-</c>.</param>
/// <param name="Appendix">What the appendix must hold before the blob may be seen; null if there is none.</param>
internal sealed record BlobHeaders(string? ContentType, string? ContentEncoding, Dictionary<string, string> Metadata, byte[]? Appendix)
{
    /// <summary>Azure takes 8 KiB, names and values; a little is left for the prefix that some servers count.</summary>
    private const int MaxMetadataBytes = 7_000;

    /// <summary>Names are C# identifiers, and those that differ in case alone are one: what is anything else is in the record.</summary>
    public static RemoteRecord Record { get; } = new(MaxMetadataBytes, (name, value) =>
        name.Length <= 128 && (char.IsAsciiLetterLower(name[0]) || name[0] == '_') && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_')
        && !value.Contains("  ", StringComparison.Ordinal));

    /// <summary>Headers that say all of a blob, by an appendix where they are too long.</summary>
    /// <param name="info">The blob.</param>
    /// <param name="writeId">Names the write, and the appendix.</param>
    /// <param name="neededUntil">Of a tombstone: until when it keeps older copies out.</param>
    public static BlobHeaders Of(BlobInfo info, string writeId, DateTimeOffset? neededUntil = null)
    {
        Dictionary<string, string> headers = Record.Headers(info, writeId, null, neededUntil);
        return Record.Fit(headers)
            ? Of(info, headers, null)
            : Of(info, Record.ShortHeaders(info, writeId, writeId), RemoteRecord.Appendix(info, writeId));
    }

    public void AddMetadata(Request request)
    {
        foreach ((string name, string value) in Metadata) request.Headers.SetValue($"x-ms-meta-{name}", value);
    }

    public void AddTypes(Request request)
    {
        if (ContentType is not null) request.Headers.SetValue("x-ms-blob-content-type", ContentType);
        if (ContentEncoding is not null) request.Headers.SetValue("x-ms-blob-content-encoding", ContentEncoding);
    }

    private static BlobHeaders Of(BlobInfo info, Dictionary<string, string> metadata, byte[]? appendix) => new(
        info.ContentType is { } type && MediaTypeHeaderValue.TryParse(type, out _) ? type : null,
        info.ContentEncoding is { } encoding && encoding.Length > 0 && !encoding.AsSpan().ContainsAnyExceptInRange('!', '~') ? encoding : null,
        metadata,
        appendix);
}
