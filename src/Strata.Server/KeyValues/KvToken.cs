namespace Strata.Server;

/// <summary>A token that a client of KV Connect shows; what Deno takes from <c>DENO_KV_ACCESS_TOKEN</c>.</summary>
/// <param name="Secret">The token: 12 to 512 visible ASCII characters.</param>
/// <param name="Database">The database that it opens; null: all.</param>
public sealed record KvToken(string Secret, string? Database = null)
{
    /// <summary>What it opens; never the token.</summary>
    public override string ToString() => $"a token of {Database ?? "all databases"}";
}
