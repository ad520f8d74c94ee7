using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>
/// Handles requests of who is known. Only <see cref="AccessGuard"/> finds out who asks, so that nobody gets here past it.
/// </summary>
/// <param name="http">The request.</param>
/// <param name="access">Who makes it.</param>
internal delegate Task SignedHandler(HttpContext http, RequestAccess access);
