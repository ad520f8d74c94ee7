using System.Diagnostics.CodeAnalysis;

namespace Strata.Server;

/// <summary>A token that a client of KV Connect shows; what Deno takes from <c>DENO_KV_ACCESS_TOKEN</c>.</summary>
/// <param name="Secret">The token: 12 to 512 visible ASCII characters.</param>
/// <param name="Database">The database that it opens; null: all.</param>
public sealed record KvToken(string Secret, string? Database = null)
{
    /// <summary>How a token is written: the token, or a database's name before it.</summary>
    public const string Accepted = "TOKEN for all databases or DATABASE=TOKEN for one; a token has 12 to 512 visible ASCII characters";

    private const int MinLength = 12, MaxLength = 512;

    internal bool IsValid => Secret.Length is >= MinLength and <= MaxLength && !Secret.AsSpan().ContainsAnyExceptInRange('!', '~') && (Database is null || KvCatalog.IsName(Database));

    /// <summary>Reads what a setting or an option says: <see cref="Accepted"/>.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out KvToken? token)
    {
        token = null;
        if (text is null) return false;
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        bool isNamed = equals > 0 && KvCatalog.IsName(text[..equals]);
        var parsed = new KvToken(isNamed ? text[(equals + 1)..] : text, isNamed ? text[..equals] : null);
        token = parsed.IsValid ? parsed : null;
        return token is not null;
    }

    /// <summary>What it opens; never the token.</summary>
    public override string ToString() => $"a token of {Database ?? "all databases"}";
}
