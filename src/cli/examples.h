/* The vendor that the help's examples show. Nothing but texts: no behaviour depends on it. */
#pragma once

#define EXAMPLE_TYPE "Salesforce"
#define EXAMPLE_FORM_TYPE "Zendesk" /* with a required property */
#define EXAMPLE_HOST "acme.my.salesforce.com"
#define EXAMPLE_ENDPOINT "Amplitude=https://analytics.eu.amplitude.com"
