using System.Globalization;

namespace Strata;

/// <summary>An answer with a body.</summary>
/// <param name="Object">Of which it is.</param>
/// <param name="Offset">Of the body's first byte.</param>
/// <param name="Length">The body's, in bytes.</param>
/// <param name="Body">As it comes: a checksum of Strata's own is to be verified.</param>
/// <param name="Checked">The same with what the SDK verifies by itself, for what has no such checksum.</param>
/// <param name="Owner">What is disposed for it, unless the body is kept.</param>
internal sealed record RemoteResponse(RemoteObject Object, long Offset, long Length, Stream Body, Stream Checked, IDisposable Owner) : IDisposable
{
    /// <summary>True if the body is the whole object.</summary>
    public bool IsWhole => Offset == 0 && Length == Object.Bare.Length;

    /// <summary>Where a body begins, and the length of the whole object, by the header Content-Range: <c>bytes 0-9/100</c>.</summary>
    public static (long Offset, long Total) Extent(string? contentRange, long contentLength)
    {
        if (contentRange is { } text && text.StartsWith("bytes ", StringComparison.Ordinal))
        {
            string[] parts = text[6..].Split('-', '/');
            if (parts.Length == 3 && long.TryParse(parts[0], CultureInfo.InvariantCulture, out long offset) && long.TryParse(parts[2], CultureInfo.InvariantCulture, out long total)) return (offset, total);
        }

        return (0, contentLength);
    }

    public void Dispose() => Owner.Dispose();
}
