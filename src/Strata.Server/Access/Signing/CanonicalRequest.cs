using System.Collections.Frozen;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Strata.Server;

/// <summary>
/// A request in the one form that client and server sign (AWS Signature Version 4 with S3's rules: the path is escaped
/// once and never normalised). It is made of the request line as the client sent it, so that what is verified is what
/// <see cref="S3Target"/> and the query say, and no proxy or web server's idea of it.
/// </summary>
internal static class CanonicalRequest
{
    private const int MaxParameters = 128;
    private const string SignatureParameter = "X-Amz-Signature";

    /// <summary>Names that need no string of their own to be looked up.</summary>
    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> Names = FrozenSet.ToFrozenSet(
    [
        "host", "content-type", "content-md5", "content-length", "content-encoding", "date", "range", "user-agent", "accept-encoding", "cache-control", "if-match",
        "if-none-match", "x-amz-date", "x-amz-content-sha256", "x-amz-user-agent", "x-amz-copy-source", "x-amz-decoded-content-length", "x-amz-trailer",
        "x-amz-sdk-checksum-algorithm", "x-amz-checksum-crc32", "x-amz-checksum-mode", "x-amz-acl", "x-amz-storage-class", "x-amz-metadata-directive",
        "amz-sdk-invocation-id", "amz-sdk-request",
    ]).GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>A parameter's place in the text of all escaped names and values.</summary>
    private readonly record struct Parameter(int Name, int NameLength, int Value, int ValueLength);

    /// <summary>Writes the canonical request.</summary>
    /// <exception cref="S3Exception">The target has malformed escapes, or a signed header is missing.</exception>
    public static void Write(HttpContext http, in SignatureClaim claim, ReadOnlySpan<char> payload, ref CanonicalText text)
    {
        ReadOnlySpan<char> target = TargetOf(http);
        int question = target.IndexOf('?');
        text.Append(http.Request.Method);
        text.Append((byte)'\n');
        text.AppendEscaped(question < 0 ? target : target[..question], isPath: true);
        text.Append((byte)'\n');
        if (question >= 0) WriteQuery(target[(question + 1)..], claim.IsPresigned, ref text);
        text.Append((byte)'\n');
        WriteHeaders(http.Request.Headers, claim, ref text);
        text.Append((byte)'\n');
        text.Append(claim.SignedHeaders);
        text.Append((byte)'\n');
        text.Append(payload);
    }

    /// <summary>Path and query as sent.</summary>
    private static ReadOnlySpan<char> TargetOf(HttpContext http)
    {
        ReadOnlySpan<char> target = http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (target.Contains('#')) throw S3Error.InvalidUri("A request's target has no fragment.").AsException();
        if (target.StartsWith('/')) return target;
        int authority = target.IndexOf("://", StringComparison.Ordinal);
        ReadOnlySpan<char> rest = authority < 0 ? default : target[(authority + 3)..];

        // A slash within the query is none of the path: without a path, the server would answer for the root.
        int path = rest.IndexOfAny('/', '?');
        return path >= 0 && rest[path] == '/' ? rest[path..] : throw S3Error.InvalidUri("A request's target begins with '/', or is an absolute address with a path.").AsException();
    }

    private static void WriteQuery(ReadOnlySpan<char> query, bool isPresigned, ref CanonicalText text)
    {
        Span<Parameter> sorted = stackalloc Parameter[MaxParameters];
        int count = 0;
        var parts = new CanonicalText(stackalloc byte[512]);
        try
        {
            foreach (Range range in query.Split('&'))
            {
                ReadOnlySpan<char> pair = query[range];
                if (pair.IsEmpty) continue;
                int equals = pair.IndexOf('=');
                ReadOnlySpan<char> name = equals < 0 ? pair : pair[..equals];
                if (isPresigned && name is SignatureParameter) continue;
                if (count == MaxParameters) throw S3Error.InvalidRequest($"The query of a signed request may have at most {MaxParameters} parameters.").AsException();
                int start = parts.Length;
                parts.AppendEscaped(name, isPath: false);
                int middle = parts.Length;
                if (equals >= 0) parts.AppendEscaped(pair[(equals + 1)..], isPath: false);
                Insert(sorted, count++, new Parameter(start, middle - start, middle, parts.Length - middle), parts.Written);
            }

            for (int i = 0; i < count; i++)
            {
                if (i > 0) text.Append((byte)'&');
                text.Append(parts.Written.Slice(sorted[i].Name, sorted[i].NameLength));
                text.Append((byte)'=');
                text.Append(parts.Written.Slice(sorted[i].Value, sorted[i].ValueLength));
            }
        }
        finally
        {
            parts.Dispose();
        }
    }

    /// <summary>Keeps the parameters in the order of their escaped names, then values. They are few, and mostly in order already.</summary>
    private static void Insert(Span<Parameter> sorted, int count, Parameter parameter, ReadOnlySpan<byte> parts)
    {
        while (count > 0 && Compare(sorted[count - 1], parameter, parts) > 0)
        {
            sorted[count] = sorted[count - 1];
            count--;
        }

        sorted[count] = parameter;
    }

    private static int Compare(Parameter a, Parameter b, ReadOnlySpan<byte> parts)
    {
        int names = parts.Slice(a.Name, a.NameLength).SequenceCompareTo(parts.Slice(b.Name, b.NameLength));
        return names != 0 ? names : parts.Slice(a.Value, a.ValueLength).SequenceCompareTo(parts.Slice(b.Value, b.ValueLength));
    }

    private static void WriteHeaders(IHeaderDictionary headers, in SignatureClaim claim, ref CanonicalText text)
    {
        foreach (Range range in claim.SignedHeaders.Split(';'))
        {
            ReadOnlySpan<char> name = claim.SignedHeaders[range];
            string key = Names.TryGetValue(name, out string? known) ? known : name.ToString();
            if (!headers.TryGetValue(key, out StringValues values) || values.Count == 0) throw SignatureErrors.Missing(key).AsException();
            text.Append(name);
            text.Append((byte)':');
            for (int i = 0; i < values.Count; i++)
            {
                if (i > 0) text.Append((byte)',');
                text.AppendCollapsed(values[i]);
            }

            text.Append((byte)'\n');
        }
    }
}
