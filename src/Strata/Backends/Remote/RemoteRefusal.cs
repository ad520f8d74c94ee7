namespace Strata;

/// <summary>Why a bulk delete left an object.</summary>
/// <param name="Name">The object's.</param>
/// <param name="Reason">The server's words and code.</param>
/// <param name="IsDenied">True if it may not be removed; false for all that may pass.</param>
internal readonly record struct RemoteRefusal(string Name, string Reason, bool IsDenied);
