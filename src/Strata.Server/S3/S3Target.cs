using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Strata.Server;

/// <summary>
/// The bucket and key of a path-style request, taken from the request line as the client sent it: the web server's own
/// path has its dot segments resolved, so that <c>/main/a/../b</c> would silently become another key.
/// </summary>
/// <param name="Bucket">Empty for the root.</param>
/// <param name="Key">Empty for the bucket itself.</param>
internal readonly record struct S3Target(string Bucket, string Key)
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static S3Target Of(HttpContext http)
    {
        string raw = PathOf(http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);
        string prefix = http.Request.PathBase.ToUriComponent();
        if (prefix.Length > 0 && raw.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)) raw = raw[prefix.Length..];
        return Split(Decode(raw));
    }

    /// <summary>The path of a request's target, as sent.</summary>
    public static string PathOf(string target)
    {
        int end = target.AsSpan().IndexOfAny('?', '#');
        if (end >= 0) target = target[..end];
        return target.StartsWith('/') ? target : PathOfAbsolute(target);
    }

    /// <summary>The value of <c>x-amz-copy-source</c>, whose slashes some clients escape.</summary>
    /// <exception cref="S3Exception">An escape is malformed, or the bytes are not UTF-8.</exception>
    public static S3Target OfCopySource(string value) => Split(Decode(value));

    /// <summary>Splits <c>/bucket/key</c>; a copy source may lack the first slash.</summary>
    private static S3Target Split(string path)
    {
        string rest = path.StartsWith('/') ? path[1..] : path;
        int slash = rest.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? new(rest, "") : new(rest[..slash], rest[(slash + 1)..]);
    }

    private static string PathOfAbsolute(string target)
    {
        int authority = target.IndexOf("://", StringComparison.Ordinal);
        int path = authority < 0 ? -1 : target.IndexOf('/', authority + 3);
        return path < 0 ? "/" : target[path..];
    }

    private static string Decode(string escaped)
    {
        if (!escaped.Contains('%', StringComparison.Ordinal)) return escaped;
        ReadOnlySpan<char> text = escaped;
        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(escaped)];
        int length = 0;
        while (!text.IsEmpty)
        {
            if (text[0] != '%')
            {
                int run = text.IndexOf('%');
                if (run < 0) run = text.Length;
                length += Encoding.UTF8.GetBytes(text[..run], bytes.AsSpan(length));
                text = text[run..];
            }
            else if (text.Length >= 3 && byte.TryParse(text.Slice(1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value))
            {
                bytes[length++] = value;
                text = text[3..];
            }
            else
            {
                throw S3Error.InvalidUri("The path holds a '%' that begins no escape of two hexadecimal digits.").AsException();
            }
        }

        try
        {
            return Strict.GetString(bytes, 0, length);
        }
        catch (DecoderFallbackException)
        {
            throw S3Error.InvalidUri("The path's escapes are not UTF-8.").AsException();
        }
    }
}
