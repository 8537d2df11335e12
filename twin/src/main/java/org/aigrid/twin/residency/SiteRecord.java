package org.aigrid.twin.residency;

import org.aigrid.core.policy.PolicyAction;
import org.aigrid.core.policy.SiteFacts;

/// What a site wrote down of one order that reached it. Immutable.
///
/// @param step when it came, on the play's count of steps
/// @param signedStep when the gateway signed it
/// @param request number of the request
/// @param path how it came here
/// @param action what the order is for
/// @param registered what the grid's registry says of the site
/// @param own what the site knows of itself
/// @param begun whether the site did the work; else its own policies refused it
public record SiteRecord(
    long step,
    long signedStep,
    int request,
    WorkPath path,
    PolicyAction action,
    SiteFacts registered,
    SiteFacts own,
    boolean begun) {}
