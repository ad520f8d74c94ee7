namespace Strata.Server;

/// <summary>Who may use an endpoint. Every endpoint carries one as metadata; one without is refused to everybody.</summary>
internal enum EndpointAccess
{
    /// <summary>Everybody: what says nothing about what is stored (health, the page's own files, signing in).</summary>
    Open,

    /// <summary>Who has all rights everywhere: a signed-in admin key, a signature of one, or the data folder's token.</summary>
    Admin,

    /// <summary>
    /// Who signs a request; the operation then checks its right (<see cref="S3Operation.Demand"/>). The endpoint's handler is
    /// a <see cref="SignedHandler"/>, which is guarded before it is mapped.
    /// </summary>
    Signed,

    /// <summary>
    /// Who shows a token of the database that the path names. Where the server has no such tokens: everybody as long as
    /// nobody is asked for credentials at all.
    /// </summary>
    Database,
}
