namespace Strata.Server;

/// <summary>Whether credentials are required, and what the key is called that the page is signed in with; null if it is not.</summary>
internal sealed record SessionWire(bool Required, string? Name);

/// <summary>A key's id and secret, to sign in.</summary>
internal sealed record SignInWire(string Id, string Secret)
{
    /// <summary>Without the secret.</summary>
    public override string ToString() => $"sign-in of {Id}";
}
