using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>
/// Who is signed in to the page. A session is a random token in a cookie, of which the server keeps only the digest, in
/// memory: a restart signs everybody out. It ends after <see cref="Lifetime"/>, and as soon as its key is revoked.
/// </summary>
/// <remarks>
/// The cookie is HttpOnly and SameSite=Strict. It has no port, as no cookie has one: of two servers on one host a browser
/// is signed in to the one that it signed in to last.
/// </remarks>
internal sealed class Sessions(AccessKeyRing keys, TimeProvider clock)
{
    /// <summary>Name of the cookie.</summary>
    public const string CookieName = "strata-session";

    /// <summary>The most sessions at once; one more ends the oldest.</summary>
    public const int MaxSessions = 1000;

    private const int TokenBytes = 32;

    /// <summary>How long a session lasts.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(12);

    private readonly Lock _lock = new();

    /// <summary>In the order in which they began, which is that in which they end.</summary>
    private readonly OrderedDictionary<string, Session> _sessions = new(StringComparer.Ordinal);

    private readonly record struct Session(AccessKey Key, long Started);

    /// <summary>The admin key of this id and secret. Takes as long for an unknown id as for a wrong secret.</summary>
    public bool TryVerify(string id, string secret, [NotNullWhen(true)] out AccessKey? key)
    {
        AccessKey? found = keys.Find(id);
        Span<byte> given = stackalloc byte[SHA256.HashSizeInBytes], known = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(secret), given);
        SHA256.HashData(Encoding.UTF8.GetBytes(found?.Secret ?? ""), known);
        bool isSame = CryptographicOperations.FixedTimeEquals(given, known);
        key = isSame ? found : null;
        return key is not null;
    }

    /// <summary>Begins a session, and sets its cookie.</summary>
    public void Begin(HttpContext http, AccessKey key)
    {
        byte[] token = RandomNumberGenerator.GetBytes(TokenBytes);
        lock (_lock)
        {
            while (_sessions.Count > 0 && (_sessions.Count >= MaxSessions || IsOver(_sessions.GetAt(0).Value))) _sessions.RemoveAt(0);
            _sessions.Add(DigestOf(token), new Session(key, clock.GetTimestamp()));
        }

        http.Response.Cookies.Append(CookieName, Base64Url.EncodeToString(token), Cookie(http, Lifetime));
    }

    /// <summary>The key that the request's cookie is signed in with; null if with none that still is one.</summary>
    public AccessKey? Find(HttpRequest request)
    {
        if (DigestOf(request) is not { } digest) return null;
        Session session;
        lock (_lock)
        {
            if (!_sessions.TryGetValue(digest, out session)) return null;
            if (IsOver(session))
            {
                _sessions.Remove(digest);
                return null;
            }
        }

        // A key that was revoked, or made anew under the same id, is another one.
        AccessKey? key = keys.Find(session.Key.Id);
        return key is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(key.Secret), Encoding.UTF8.GetBytes(session.Key.Secret)) ? key : null;
    }

    /// <summary>Ends the request's session, if it has one, and takes the cookie back.</summary>
    public void End(HttpContext http)
    {
        if (DigestOf(http.Request) is { } digest)
        {
            lock (_lock) _sessions.Remove(digest);
        }

        http.Response.Cookies.Append(CookieName, "", Cookie(http, TimeSpan.Zero));
    }

    private static CookieOptions Cookie(HttpContext http, TimeSpan lifetime) => new()
    {
        HttpOnly = true,
        SameSite = SameSiteMode.Strict,
        Path = "/",

        // Also where a proxy on this machine has the certificate: the browser says how it came.
        Secure = http.Request.IsHttps || http.Request.Headers.Origin.ToString().StartsWith("https://", StringComparison.OrdinalIgnoreCase),
        MaxAge = lifetime,
        IsEssential = true,
    };

    private bool IsOver(Session session) => clock.GetElapsedTime(session.Started) >= Lifetime;

    private static string? DigestOf(HttpRequest request)
    {
        Span<byte> token = stackalloc byte[TokenBytes];
        return request.Cookies.TryGetValue(CookieName, out string? text) && Base64Url.TryDecodeFromChars(text, token, out int length) && length == TokenBytes ? DigestOf(token) : null;
    }

    private static string DigestOf(ReadOnlySpan<byte> token) => Convert.ToHexString(SHA256.HashData(token));
}
