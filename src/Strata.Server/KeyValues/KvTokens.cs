using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>The tokens by which clients of KV Connect are known, each for one database or for all.</summary>
internal sealed class KvTokens(IReadOnlyList<KvToken> tokens)
{
    private const string Scheme = "Bearer ";
    private readonly (byte[] Hash, string? Database)[] _tokens = [.. tokens.Select(t => (HashOf(t.Secret), t.Database))];

    /// <summary>True if there is any: then one must be shown, from this machine too.</summary>
    public bool AreRequired => _tokens.Length > 0;

    /// <summary>The token that a request shows, or null.</summary>
    public static string? ShownBy(HttpRequest request) =>
        request.Headers.Authorization is [{ } value] && value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? value[Scheme.Length..] : null;

    /// <summary>Whether the request shows a token of the database. Each is compared, in constant time.</summary>
    public bool Let(HttpRequest request, string database)
    {
        if (ShownBy(request) is not { } shown) return false;
        byte[] hash = HashOf(shown);
        bool isLet = false;
        foreach ((byte[] known, string? of) in _tokens) isLet |= CryptographicOperations.FixedTimeEquals(known, hash) & (of is null || of == database);
        return isLet;
    }

    private static byte[] HashOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
