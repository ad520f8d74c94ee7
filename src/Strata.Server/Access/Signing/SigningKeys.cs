using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;

namespace Strata.Server;

/// <summary>
/// The keys that secrets are turned into for a day and region. Those that have verified a signature are kept, a few an
/// access key, and go when the access key goes; what nobody's secret has signed takes no memory.
/// </summary>
internal sealed class SigningKeys
{
    /// <summary>Length of a signing key in bytes.</summary>
    public const int Bytes = 32;

    private const int MaxKept = 8;

    private readonly ConditionalWeakTable<AccessKey, Kept> _kept = [];

    /// <summary>Who signs with the access key.</summary>
    public AccessPrincipal PrincipalOf(AccessKey key) => KeptOf(key).Principal;

    /// <summary>The signing key for the scope of a claim: a kept one, or else a new one.</summary>
    public SigningKey Find(AccessKey key, in SignatureClaim claim)
    {
        foreach (SigningKey kept in KeptOf(key).Scopes)
        {
            if (claim.Scope.SequenceEqual(kept.Scope)) return kept;
        }

        byte[] derived = new byte[Bytes];
        Derive(key.Secret, claim.Date, claim.Region, derived);
        return new SigningKey(claim.Scope.ToString(), derived);
    }

    /// <summary>Keeps a key that has verified a signature, in place of the oldest one.</summary>
    public void Keep(AccessKey key, SigningKey signingKey)
    {
        if (signingKey.IsKept) return;
        Kept kept = KeptOf(key);

        // Two requests may each keep the same: the array is replaced whole, and what is lost is derived again.
        kept.Scopes = [signingKey, .. kept.Scopes.Take(MaxKept - 1)];
        signingKey.IsKept = true;
    }

    /// <summary>Derives a signing key: four HMACs, of the day, the region, the service and the version's name.</summary>
    public static void Derive(string secret, ReadOnlySpan<char> date, ReadOnlySpan<char> region, Span<byte> signingKey)
    {
        Span<byte> text = stackalloc byte[Encoding.UTF8.GetMaxByteCount(Math.Max(Math.Max(secret.Length + 4, region.Length), 16))];
        "AWS4"u8.CopyTo(text);
        int length = 4 + Encoding.UTF8.GetBytes(secret, text[4..]);
        Span<byte> word = stackalloc byte[64 * 3];
        HMACSHA256.HashData(text[..length], word[..Encoding.UTF8.GetBytes(date, word)], signingKey);
        CryptographicOperations.ZeroMemory(text);
        HMACSHA256.HashData(signingKey, word[..Encoding.UTF8.GetBytes(region, word)], signingKey);
        HMACSHA256.HashData(signingKey, "s3"u8, signingKey);
        HMACSHA256.HashData(signingKey, "aws4_request"u8, signingKey);
    }

    private Kept KeptOf(AccessKey key) => _kept.TryGetValue(key, out Kept? kept) ? kept : _kept.GetValue(key, static k => new Kept(new AccessPrincipal(k.Id, k.Grants)));

    private sealed class Kept(AccessPrincipal principal)
    {
        public AccessPrincipal Principal { get; } = principal;

        public volatile SigningKey[] Scopes = [];
    }
}
