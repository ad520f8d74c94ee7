namespace Strata.Server;

/// <summary>What access keys may be made of, wherever they come from.</summary>
internal static class AccessKeyRules
{
    public const string IdTakes = "3 to 128 letters and digits", SecretTakes = "8 to 128 printable ASCII characters without spaces", NameTakes = "up to 128 characters, none of them control characters";

    private const int MaxGrants = 100, MaxGrantLength = 1200;

    public static bool IsId(string id) => id.Length is >= 3 and <= 128 && id.All(char.IsAsciiLetterOrDigit);

    public static bool IsSecret(string secret) => secret.Length is >= 8 and <= 128 && secret.All(c => c is > ' ' and <= '~');

    public static bool IsName(string name) => name.Length <= 128 && !name.Any(char.IsControl);

    /// <summary>Reads grants.</summary>
    /// <returns>What is wrong, and what it takes; null if nothing.</returns>
    public static string? GrantsFault(IReadOnlyList<string> texts, out IReadOnlyList<AccessGrant> grants)
    {
        var parsed = new List<AccessGrant>();
        grants = parsed;
        if (texts.Count is 0 or > MaxGrants) return $"An access key takes 1 to {MaxGrants} grants, such as read,list:photos/2026/ or all:*";
        foreach (string text in texts)
        {
            // What comes as JSON may hold null at this place.
            if (text is null || text.Length > MaxGrantLength || text.Any(char.IsControl)) return $"A grant takes up to {MaxGrantLength} characters, none of them control characters";
            if (!AccessGrant.TryParse(text, out AccessGrant? grant, out string? fault)) return fault;
            parsed.Add(grant);
        }

        return null;
    }

    /// <summary>What is wrong with a key to be made; null if nothing.</summary>
    public static string? Fault(string id, string name, IReadOnlyList<string> texts, out IReadOnlyList<AccessGrant> grants)
    {
        string? fault = GrantsFault(texts, out grants);
        if (!IsId(id)) return $"An access key's id takes {IdTakes}.";
        if (!IsName(name)) return $"An access key's name takes {NameTakes}.";
        return fault is null ? null : fault + ".";
    }
}
