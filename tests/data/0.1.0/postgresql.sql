--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: headgate; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA headgate;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: access_keys; Type: TABLE; Schema: headgate; Owner: -
--

CREATE TABLE headgate.access_keys (
    id text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL COLLATE pg_catalog."C",
    created_at_ms bigint NOT NULL,
    sealed_secret bytea NOT NULL
);


--
-- Name: audit; Type: TABLE; Schema: headgate; Owner: -
--

CREATE TABLE headgate.audit (
    at_ms bigint NOT NULL,
    account text NOT NULL COLLATE pg_catalog."C",
    region text COLLATE pg_catalog."C",
    request_id text COLLATE pg_catalog."C",
    access_key_id text COLLATE pg_catalog."C",
    operation text NOT NULL COLLATE pg_catalog."C",
    resource text COLLATE pg_catalog."C",
    outcome text NOT NULL COLLATE pg_catalog."C",
    detail text COLLATE pg_catalog."C",
    version bigint
);


--
-- Name: client_tokens; Type: TABLE; Schema: headgate; Owner: -
--

CREATE TABLE headgate.client_tokens (
    account text NOT NULL COLLATE pg_catalog."C",
    region text NOT NULL COLLATE pg_catalog."C",
    operation text NOT NULL COLLATE pg_catalog."C",
    token text NOT NULL COLLATE pg_catalog."C",
    expires_at_ms bigint NOT NULL,
    hash bytea NOT NULL,
    answer text NOT NULL COLLATE pg_catalog."C"
);


--
-- Name: exchanges; Type: TABLE; Schema: headgate; Owner: -
--

CREATE TABLE headgate.exchanges (
    id bytea NOT NULL,
    account text NOT NULL COLLATE pg_catalog."C",
    region text NOT NULL COLLATE pg_catalog."C",
    profile text NOT NULL COLLATE pg_catalog."C",
    consumed bigint NOT NULL,
    expires_at_ms bigint NOT NULL,
    sealed bytea,
    attempt bigint,
    attempt_ends_at_ms bigint
);


--
-- Name: meta; Type: TABLE; Schema: headgate; Owner: -
--

CREATE TABLE headgate.meta (
    name text NOT NULL COLLATE pg_catalog."C",
    value bytea NOT NULL
);


--
-- Name: oauth_apps; Type: TABLE; Schema: headgate; Owner: -
--

CREATE TABLE headgate.oauth_apps (
    connector_type text NOT NULL COLLATE pg_catalog."C",
    client_id text NOT NULL COLLATE pg_catalog."C",
    updated_at_ms bigint NOT NULL,
    sealed_secret bytea NOT NULL
);


--
-- Name: profiles; Type: TABLE; Schema: headgate; Owner: -
--

CREATE TABLE headgate.profiles (
    account text NOT NULL COLLATE pg_catalog."C",
    region text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    connector_type text NOT NULL COLLATE pg_catalog."C",
    connector_label text COLLATE pg_catalog."C",
    connection_mode text NOT NULL COLLATE pg_catalog."C",
    kms_arn text COLLATE pg_catalog."C",
    credentials_arn text NOT NULL COLLATE pg_catalog."C",
    created_at_ms bigint NOT NULL,
    updated_at_ms bigint NOT NULL,
    properties text NOT NULL COLLATE pg_catalog."C",
    sealed_credentials bytea,
    provisioning_status text COLLATE pg_catalog."C",
    provisioning_cause text COLLATE pg_catalog."C",
    provisioning_message text COLLATE pg_catalog."C"
);


--
-- Name: schema_version; Type: TABLE; Schema: headgate; Owner: -
--

CREATE TABLE headgate.schema_version (
    version bigint NOT NULL
);


--
-- Name: writers; Type: TABLE; Schema: headgate; Owner: -
--

CREATE TABLE headgate.writers (
    id text NOT NULL,
    batch bigint NOT NULL,
    at_ms bigint NOT NULL
)
WITH (fillfactor='50');


--
-- Data for Name: access_keys; Type: TABLE DATA; Schema: headgate; Owner: -
--

COPY headgate.access_keys (id, account, created_at_ms, sealed_secret) FROM stdin;
AKIAHEADGATETEST0001	123456789012	1795992915268	\\x484731663663306235336265336364363737626626a15f8727b2bf50d3e9f70d8c01500ee2bdbd259e9749f649320d737527254034013972b8b26ddc06774334df8cd6fc0dddd7b3277f3b6057b7a8d1301855c87eec954b60948e67ae8b6996293501a5055e698f4fe449771ab6380dcb843e8e145d1c5dc165725e2d4fedd2aff8887c5ee43cc36ddd335f0bac9a27
AKIAHEADGATETEST0002	111122223333	1795992915414	\\x48473166366330623533626533636436373762ddf37e4990af0913194b769cafea8ad99e357e8bf2912b2a8efdd81ac6f98eebd5d0b074e21a991b284398898dc232d7de5213493ea2bf4957f83c01b27466af4df3df68e2bb5b4c22f9b96375242991c14a674652aec0191b1fa853a004678f1089fa502fd381c3931922082a7bdcacaec7a15e61a2aa91f76ef2a1cc38cf
\.


--
-- Data for Name: audit; Type: TABLE DATA; Schema: headgate; Owner: -
--

COPY headgate.audit (at_ms, account, region, request_id, access_key_id, operation, resource, outcome, detail, version) FROM stdin;
1795992915615	123456789012	us-east-1	18ff76a2-0724-4976-bd8e-101c0cb97207	AKIAHEADGATETEST0001	CreateConnectorProfile	salesforce-code	ok		1795992915615000
1795992915647	123456789012	us-east-1	2dc43f66-6d87-4c2e-86fb-27f36fa9b42b	AKIAHEADGATETEST0001	CreateConnectorProfile	salesforce-refresh	ok		1795992915647000
1795992915667	123456789012	us-east-1	6d9eaf54-6824-4633-8749-33b8ad52f977	AKIAHEADGATETEST0001	CreateConnectorProfile	salesforce-token	ok		1795992915667000
1795992915691	123456789012	us-east-1	0a231502-3a5a-4ce7-b46a-2c2ec4a79309	AKIAHEADGATETEST0001	CreateConnectorProfile	amplitude	ok		1795992915691000
1795992915715	123456789012	us-east-1	e7f51e5a-018c-4d8c-b606-a38f0f713695	AKIAHEADGATETEST0001	CreateConnectorProfile	zendesk	ok		1795992915715000
1795992915747	123456789012	us-east-1	0a1e9776-9757-4781-b84f-854ff42fd736	AKIAHEADGATETEST0001	CreateConnectorProfile	datadog	ok		1795992915747000
1795992915770	123456789012	us-east-1	6dfbce43-784a-4679-be0c-224ba1be1ab0	AKIAHEADGATETEST0001	CreateConnectorProfile	marketo	ok		1795992915770000
1795992915824	123456789012	us-east-1	e7de77a6-5bd9-4084-bf63-3f8def1ffbef	AKIAHEADGATETEST0001	CreateConnectorProfile	servicenow	ok		1795992915824000
1795992915869	123456789012	us-east-1	c249970a-b0cc-4b11-ab41-84d78e688de9	AKIAHEADGATETEST0001	CreateConnectorProfile	deleted	ok		1795992915869000
1795992915870	123456789012	us-east-1	ee0eb256-4a6b-4f59-b6fb-c0b8abffa514	AKIAHEADGATETEST0001	DeleteConnectorProfile	deleted	ok		\N
1795992915889	123456789012	us-east-1	742d7109-cceb-4b16-8cdd-7a710d500c79	AKIAHEADGATETEST0001	UpdateConnectorProfile	amplitude	ok		1795992915691001
1795992915907	111122223333	us-east-1	92a53ee4-15b3-4e52-b0cf-3ecfe987de94	AKIAHEADGATETEST0002	CreateConnectorProfile	amplitude	ok		1795992915907000
1795992915925	123456789012	us-east-1	e721fbd9-6e32-4ae7-acb9-899637007833	AKIAHEADGATETEST0001	CreateConnectorProfile	refused	ConnectorAuthenticationException	Error authenticating to connector: Amplitude rejected the credentials at step api (HTTP 401): Incorrect credentials. Check the API key and the secret key in the project's settings.	\N
1795992916042	123456789012	us-east-1	e63a98cf-a6c6-45e8-b2a2-d9ad79683a6e	AKIAHEADGATETEST0001	CreateConnectorProfile	private-code	ok		1795992916042000
1795992916045	123456789012	us-east-1	c60c8a41-678a-42f3-89bf-1534be8ece50	AKIAHEADGATETEST0001	CreateConnectorProfile	private-pending	ok		1795992916045000
\.


--
-- Data for Name: client_tokens; Type: TABLE DATA; Schema: headgate; Owner: -
--

COPY headgate.client_tokens (account, region, operation, token, expires_at_ms, hash, answer) FROM stdin;
123456789012	us-east-1	CreateConnectorProfile	fixture-create-token	1796021715647	\\x2f367fe4edc44e135992739b2aaf1d61932c9aa7022dfa671347301018dd5201	{"connectorProfileArn":"arn:aws:appflow:us-east-1:123456789012:connectorprofile/salesforce-refresh"}
123456789012	us-east-1	UpdateConnectorProfile	fixture-update-token	1796021715889	\\xe771fdf3867ee30a606bee6370b87a8d8b449c63aff6ed6999406ca6f0a8892d	{"connectorProfileArn":"arn:aws:appflow:us-east-1:123456789012:connectorprofile/amplitude"}
\.


--
-- Data for Name: exchanges; Type: TABLE DATA; Schema: headgate; Owner: -
--

COPY headgate.exchanges (id, account, region, profile, consumed, expires_at_ms, sealed, attempt, attempt_ends_at_ms) FROM stdin;
\\x44173c64a78f1ae92e455124ffb353afd4ab8191fe11f6f6f3a695ebf597892e	123456789012	us-east-1	salesforce-code	1	1796021715614	\N	\N	\N
\\x2506db9ee0fb15355472e4f80745cc56e4e3c50ad8f405128884517fcc3cc7a9	123456789012	us-east-1	salesforce-refresh	1	1796021715646	\N	\N	\N
\\xec736aafd8ec6340baac2948ac0733c6d0940e8e551751c3acb12ad4ef0481f7	123456789012	us-east-1	private-code	0	1796021716045	\N	-5523211573152092208	1795992986045
\.


--
-- Data for Name: meta; Type: TABLE DATA; Schema: headgate; Owner: -
--

COPY headgate.meta (name, value) FROM stdin;
service-secret	\\x48473166366330623533626533636436373762349bf38eb6f3b9d036133708f71bce8db60b95c950b0834b617a02e725634a8d7d8dceeba05537a4db8f0ac05b3669c6d7a7337caafdc11f8e28ccfc6c2d701f33ee5b9ada561ede915b33e081d08e134b3465c07f95bf2e1ef375be1f66461743b1384d5d92279da0cdd1300a537e5459001565fb90284a
\.


--
-- Data for Name: oauth_apps; Type: TABLE DATA; Schema: headgate; Owner: -
--

COPY headgate.oauth_apps (connector_type, client_id, updated_at_ms, sealed_secret) FROM stdin;
Salesforce	sandbox-connected-app	1795992915290	\\x484731663663306235336265336364363737627a20a89da66ed391765880081852d099193cd1087d89b83cf122407f65125a020700e97bdea064a054d2176b63f129cbcfc50e49fdd7889feaa8d4b9d34109362c13165f3f31d65897b878502b353bef79092e389388095ab4ab0b79923ec752e10e2197476af57e6932d1490e48b94d56c8826f
\.


--
-- Data for Name: profiles; Type: TABLE DATA; Schema: headgate; Owner: -
--

COPY headgate.profiles (account, region, name, version, connector_type, connector_label, connection_mode, kms_arn, credentials_arn, created_at_ms, updated_at_ms, properties, sealed_credentials, provisioning_status, provisioning_cause, provisioning_message) FROM stdin;
123456789012	us-east-1	salesforce-code	1795992915615000	Salesforce	\N	Public	\N	arn:aws:secretsmanager:us-east-1:123456789012:secret:appflow!123456789012-salesforce-code-1795992915615-241z8H	1795992915615	1795992915615	{"Salesforce":{"instanceUrl":"https://acme.my.salesforce.com"}}	\\x48473166366330623533626533636436373762360c3ff5c744bc4bd020145158bbf1aa17fdfdbfb98c449e733189a8471c2924a27cb93ee2fba6629949175d5d1a65c276238d8af3e955b4f68661bcd86203a6efed4859007513010881e703c6c6584c5cdc74b5105b5f30d470df94574eb4ef4195fde0e29cd762ef70801f15a68013be47dd8fe1796756915d674644117d25a6548860fb16ea3a991373cb72dbb500479d704cf0bc12d8b81139ca64fc2f67f6a7d3c7192216ed34247d72f5dde9bec8d0be66d3e59cb2f63bab20c51de3fa56420b0e7238ac18aeb1455dfbc11d2b84d1af5bc9720ab6b88268a6e9e3f52ee23b5265dd6fd8148bf01c80704f9233c4b36821ea69853b3f6748b2538f9f9baceb3e2ed8947b857092138b6943cd4f26c839025317fe5c44527f7ac836dd1dae02e9e6cd110ca70f50d2584a209c79628aabf54f712732b08e2b09ad1594effa7f77b2ea1a18b745d441ca3300c0616e39f6fc6a8ab525b139eb913c0b41761b885ea40a67cd09ad51c1eb1d9d73b7ac0389e15d71dc64ab10fbad94264bd32aa6b2f1dd57da5097d6d177c2e6d2fd8e0b66e2953f2b94520369bf04affe170e8567c7b9c98cd0b5be32b0dffbe57f9d94093995f3a4c46c7c920da0938243f5b24282cacf29a1f3170982ffb934cfc3e1b376487ccfdf47cbc0ddeb46b2d64e6e64ec0af5710b5ed49e0aa9e9f20be811ae30393013c98af83867333003479648617327d8eda59e75e85d190404d4312740c5eba9fe15661823181ac5fa524148e1bd42ff210aecdddeee7822e5fc9321557889ef6b6b9889488ed5d117e6f237a12acacc2082af2e00ccd92c99b385	\N	\N	\N
123456789012	us-east-1	salesforce-refresh	1795992915647000	Salesforce	\N	Public	\N	arn:aws:secretsmanager:us-east-1:123456789012:secret:appflow!123456789012-salesforce-refresh-1795992915647-PqvrYu	1795992915647	1795992915647	{"Salesforce":{"instanceUrl":"https://acme.my.salesforce.com"}}	\\x48473166366330623533626533636436373762e7adff1c10eb83af73b27a88fe470d80080e48e5a42fa51fe649f8877ba9c1ccf8006efb01caf129e3c3f63f47c06f4fd7c39ab685be28b75822f6ba5873377a14f890d8fd8207456f9bfeefc1571337f259c672b59ed20b4f281d1b542e7a6d98855c1e1ca228260609eb9254766420add4a4869e991876c3e7d00e1172270638d2f42e9f01a8d86b9b9b2f77f8ddb945c5f14d75556608b47b0f025529161268c7cda16380f501d160e93564ea127f82f9a0127edf2128734369230540b889045bb6accfc4c470d2a17125bfc11f19c61e1a90647843667d2958c33eb9c72a5aa81e0bd35dd632c6bada87e8ba02c2912436a8457caa457beb10870ff901fcae826b42e42bc1b129bcb014737712addfa65d1edecea02057921824be333e2f8b77124a223fa5212cd476213fa2accefb5846a1a6d7cbe580ad526ec601749683900bb5e7853dd512d524b603d18d42d44c87ec006914fd6497cf0f481f8b70f6971d8833d027eedc07de0b26f0b21593db674eb7971d21c09117ce2871454281ac5989746ecfc8f8bbeea1ff133ab0b6c5da22d1fc73a1d9484aa4de00dc2708ab0c81f0b227519b533972d81578688664ce3159e2013f2f6918cc8fa3dff9ef8c0171d2ca3f81ac10cb6e7dbffa02d98c6b56bf4e092b23dc8afc5e774ae95124144abbc2cfc8dbc08ea873fcc394563deee65abe5d44f3d6f5bb218d3f28fe63d8	\N	\N	\N
123456789012	us-east-1	salesforce-token	1795992915667000	Salesforce	\N	Public	\N	arn:aws:secretsmanager:us-east-1:123456789012:secret:appflow!123456789012-salesforce-token-1795992915667-chw3io	1795992915667	1795992915667	{"Salesforce":{"instanceUrl":"https://acme.my.salesforce.com"}}	\\x484731663663306235336265336364363737628c26319be209dcc9e41cec7a4f37ee8d2852ea42986e6150b7b38bf29862ae2506ee81018786a6b02e25667577cf3914ca44016c9cadb3738dfa9414accbcd7dc3c43da30f69058ea97e37c59095044cff4db36eb23bf4388247ab4cfe6922913b348480466034a7627cfa11aaead1d501ff089b709e7fcf29c44cdbdde487570d8f948df81516e7af4e90e2798da5313845af8058bac4953abe9fc8	\N	\N	\N
123456789012	us-east-1	zendesk	1795992915715000	Zendesk	\N	Public	\N	arn:aws:secretsmanager:us-east-1:123456789012:secret:appflow!123456789012-zendesk-1795992915715-GmsKdK	1795992915715	1795992915715	{"Zendesk":{"instanceUrl":"https://acme.zendesk.com"}}	\\x484731663663306235336265336364363737621abf98c19678fbe1448e85907a287f7c928b9f35e572e56d9ea38ab0be99d2c2f50dd8f781580e2b9a75c466988e355ac6093af44c675d040af7b84a284aa9a4a620b8fee6c68a6bc121c95f61b325ed029b6100916c0412e5daa7c45190e8c17f51b5c1dfbdf8f5f27539c4bf8fafe1ef96429987c6c3fd7ac50340db3a9a416a8ef5230a5454675b3c9a352dad88e0cce512df6c1327d36b78f6800e265d4c7d586e231e4c51d313e25b009d38d169ac1aa4cbb4b94f28301756b2859aef690d132877f9711be8c8f12d0f957060a1560c26239da67644932ad0057b2048d62d97c6ee6c4a56713c2276bae402c22e472dfd	\N	\N	\N
123456789012	us-east-1	datadog	1795992915747000	Datadog	\N	Public	\N	arn:aws:secretsmanager:us-east-1:123456789012:secret:appflow!123456789012-datadog-1795992915747-9wssSM	1795992915747	1795992915747	{"Datadog":{"instanceUrl":"https://api.datadoghq.com"}}	\\x4847316636633062353362653363643637376255bc7f573e40d554d57dd651ab1c9ce36792056dedde5156dfde74f537a58e8a6a16348fb8edf76c53028bae8fd8887bcccb4ceb5b0fc68ed668e78a09672ad1b062fe71c14e0b69f008a7bc70a91b59441e4a2d312414a0bfcfa2fce34a22d941a8a935fb12d90db88b829b400d1f12bcb84218cc349710c36a77ff79c6b8bbc214cc7a4524f67af7b8196069b90797844e91632dd769ff346a509372bf572a09cf91e1c1d9d749da5ed7c220fb0d8953d85af7fbbc227e0f057ff1e83999a1	\N	\N	\N
123456789012	us-east-1	marketo	1795992915770000	Marketo	\N	Public	\N	arn:aws:secretsmanager:us-east-1:123456789012:secret:appflow!123456789012-marketo-1795992915770-h7TeZq	1795992915770	1795992915770	{"Marketo":{"instanceUrl":"https://123-abc-456.mktorest.com"}}	\\x48473166366330623533626533636436373762086156d3b39e2c907d29ced3706be31315b657eb1079894d786f2e8a7a880c3d3510709d1c9f73cf3251e70627bf4dd2c77a4a0dc538c5fd150d1efc0d85ad35a2e963eb03f1e3a7e7f94bc0d5573ddd414b0a133cb1368ff1120ea52b627cbf428b9ab3a8fe4d82a8281529b66472fe6b7cdf0759f39eb4340548da3ba76ecb34c9dfbe6a3200642c5cccd280fc1dd5e6ad31d5aa9a82354c0903767a133a4fc0b87329d560917a56814f557046e614ca8af58e02324b228edb5435523ebb6dc67960797cfdd72b803b0bd6394e7ee6e8420574f5191dc4975f9f62a8ff24df662845f30283f0f81b33add4dac1e6c4d807bba11a71e5af3dd62d20a51a91f05495fb8fd74df0c9ac253107d1f987db99c301aecffc69e6d2e7ca00142d4b38e660f511f7fe254d6c22812de0ce149b36564271ceeea299eb7903245b02a8e9aed0093de5ce13cead0264f92413a5afb0974bd636426253fb9f261a05a75be528b4e29c179f3de1558d0ed92a914573aa585b292fc68fef6a3260f424e83377bd7e6fe03e8ea42e	\N	\N	\N
123456789012	us-east-1	servicenow	1795992915824000	Servicenow	\N	Public	\N	arn:aws:secretsmanager:us-east-1:123456789012:secret:appflow!123456789012-servicenow-1795992915824-0qd5n4	1795992915824	1795992915824	{"ServiceNow":{"instanceUrl":"https://acme.service-now.com"}}	\\x4847316636633062353362653363643637376216dc6aee6f1f7d25b941bd9cabcb1734a55e905959409f7d57838478dddd4c17d242c783a3821dec657cc5ce4a48bfe7b72ed432085fa1f8719fd79387257e20ea2bb7b362e8132efccfca75269adb7f95e79efb669a58dc6648990d1a939c9569a41031ba8e5dfe76cd20966089e581c141cf264331f89d616fa337509c045d6ff0e6c4c8a5ebb0d87ae9f28c1b9be54e29fa292b5a27989db3e47030e4360f73c402740ad0d068b620b561403872ac434d7226e508	\N	\N	\N
123456789012	us-east-1	amplitude	1795992915691001	Amplitude	\N	Public	\N	arn:aws:secretsmanager:us-east-1:123456789012:secret:appflow!123456789012-amplitude-1795992915691-TFf4Ws	1795992915691	1795992915889	{"Amplitude":{}}	\\x48473166366330623533626533636436373762345e10ee063c81dfa279582ef6e4434acdd891c66423c3d85ce2988b832b4f401f4df087a9a9195950b7bfa96ebad3751828d98dd78bcb5029d6b170723de008c5df1b9b2c0b43c4ce07a77556675a244a889ba555320e352abe6e110ccd0cbdbc84765f43d00e4ea0c12d397010c21155b3de6469a81850a89cae64c9cf472fb69f27430eda16b0bf134513aed84d5f961405645b8bee6db41616bb5382ae41afecdbbfe040bb73f6e9667bff5bd2637750	\N	\N	\N
111122223333	us-east-1	amplitude	1795992915907000	Amplitude	\N	Public	\N	arn:aws:secretsmanager:us-east-1:111122223333:secret:appflow!111122223333-amplitude-1795992915907-HyhcLt	1795992915907	1795992915907	{"Amplitude":{}}	\\x4847316636633062353362653363643637376249beb5c024632104a29de7ee1414e9f6bbe13f165a77d855438caab808838a04aa8df022ef6d2545c132fe71f472cd77d663819a4716191cf54ff9eeef5a7927807f62088ec80b7d671d2265e459a5d8e9107e375fc2144296251514607a9c3a39d4b5c5292ff492dbb2475ee48b9e5d11aacda9403b7771834a75707032fa7417409f523a710e60a0cc44602abbfe0cb05219b70697f1eccdd4beeb3d663df9f64bae0ec2715b17a53101f1570d49ffdb40	\N	\N	\N
123456789012	us-east-1	private-code	1795992916042000	Salesforce	\N	Private	\N	arn:aws:secretsmanager:us-east-1:123456789012:secret:appflow!123456789012-private-code-1795992916042-vHJ4eh	1795992916042	1795992916042	{"Salesforce":{"isSandboxEnvironment":false,"usePrivateLinkForMetadataAndAuthorization":true}}	\\x484731663663306235336265336364363737622e6b42fa82374773ca601c9e3fa704645cd8e30040163527e46f2212ce08f0a7c36de6c793db4adfb198ddc05a6cb8da1f6b81561fd8bf8f8f2ef5ea594137d0aa4a9fea58d02b8480756ca0093e4cf6c43570b2895144829f14e35b2e034cf84e5dbf8372181059801b453ce1f03418d8f6243dcdace2fa6e4b103cabf09fb46afb52bee0204a8d8eea2dba520c532d3030812a759820c438c5d91cf64955da0a1fe0d5a94e957d573d40ee14165e158ca11ef14515e3d54d052fe1ad26365aff90b5ff07abf714961bc2051d7eec5337b700e9a332d79f4c7a7b0410f761a64bd98e95045f9fd6a0bd81d2eefab951bf875f77897a2ac8167870fff2a4a5e0a98b68796c0c8cd57418c5b27b48c729df5ee601234ca3	PENDING	\N	\N
123456789012	us-east-1	private-pending	1795992916045000	Salesforce	\N	Private	\N	arn:aws:secretsmanager:us-east-1:123456789012:secret:appflow!123456789012-private-pending-1795992916045-QbMB04	1795992916045	1795992916045	{"Salesforce":{"isSandboxEnvironment":false,"usePrivateLinkForMetadataAndAuthorization":true}}	\\x48473166366330623533626533636436373762f09cd0847e812f246ae006642bca93840b2d0331df31c911bdbd72499236c349dbef9ef53f406647cbd70d262302171d6c99e0f03c7ebd0bd27ebb5cc823f7df014d25fadb4a5588b8edaa948455428f0e1a87ecdac681740655ccda9d60e7f5fe4b59eab7423db454e1f7103951918ca4ae3359e3c6a0f82a42e48c706caadf650856338718973ab277713bdc7cbe7322d3018b85e61d782d5f3579	PENDING	\N	\N
\.


--
-- Data for Name: schema_version; Type: TABLE DATA; Schema: headgate; Owner: -
--

COPY headgate.schema_version (version) FROM stdin;
6
\.


--
-- Data for Name: writers; Type: TABLE DATA; Schema: headgate; Owner: -
--

COPY headgate.writers (id, batch, at_ms) FROM stdin;
a99d2342-2174-48c3-ba2c-6266eb45443e	3	1795992915268
30fa4518-6056-4ad1-920c-1d06ac059a02	1	1795992915338
204df1ea-7aa3-4ca8-a91a-2c270beed7ff	1	1795992915414
0df5c538-5915-4dcc-a6f0-6e21a94e63cb	16	1795992915925
5dc220f7-cb6d-495a-9a16-73b990c56581	3	1795992916045
\.


--
-- Name: access_keys access_keys_pkey; Type: CONSTRAINT; Schema: headgate; Owner: -
--

ALTER TABLE ONLY headgate.access_keys
    ADD CONSTRAINT access_keys_pkey PRIMARY KEY (id);


--
-- Name: client_tokens client_tokens_pkey; Type: CONSTRAINT; Schema: headgate; Owner: -
--

ALTER TABLE ONLY headgate.client_tokens
    ADD CONSTRAINT client_tokens_pkey PRIMARY KEY (account, region, operation, token);


--
-- Name: exchanges exchanges_pkey; Type: CONSTRAINT; Schema: headgate; Owner: -
--

ALTER TABLE ONLY headgate.exchanges
    ADD CONSTRAINT exchanges_pkey PRIMARY KEY (id);


--
-- Name: meta meta_pkey; Type: CONSTRAINT; Schema: headgate; Owner: -
--

ALTER TABLE ONLY headgate.meta
    ADD CONSTRAINT meta_pkey PRIMARY KEY (name);


--
-- Name: oauth_apps oauth_apps_pkey; Type: CONSTRAINT; Schema: headgate; Owner: -
--

ALTER TABLE ONLY headgate.oauth_apps
    ADD CONSTRAINT oauth_apps_pkey PRIMARY KEY (connector_type);


--
-- Name: profiles profiles_pkey; Type: CONSTRAINT; Schema: headgate; Owner: -
--

ALTER TABLE ONLY headgate.profiles
    ADD CONSTRAINT profiles_pkey PRIMARY KEY (account, region, name);


--
-- Name: writers writers_pkey; Type: CONSTRAINT; Schema: headgate; Owner: -
--

ALTER TABLE ONLY headgate.writers
    ADD CONSTRAINT writers_pkey PRIMARY KEY (id);


--
-- Name: audit_by_account; Type: INDEX; Schema: headgate; Owner: -
--

CREATE INDEX audit_by_account ON headgate.audit USING btree (account, at_ms);


--
-- Name: audit_by_time; Type: INDEX; Schema: headgate; Owner: -
--

CREATE INDEX audit_by_time ON headgate.audit USING btree (at_ms);


--
-- Name: client_tokens_by_expiry; Type: INDEX; Schema: headgate; Owner: -
--

CREATE INDEX client_tokens_by_expiry ON headgate.client_tokens USING btree (expires_at_ms);


--
-- Name: exchanges_by_expiry; Type: INDEX; Schema: headgate; Owner: -
--

CREATE INDEX exchanges_by_expiry ON headgate.exchanges USING btree (expires_at_ms);


--
-- Name: exchanges_by_profile; Type: INDEX; Schema: headgate; Owner: -
--

CREATE INDEX exchanges_by_profile ON headgate.exchanges USING btree (account, region, profile, expires_at_ms);


--
-- Name: profiles_by_label; Type: INDEX; Schema: headgate; Owner: -
--

CREATE INDEX profiles_by_label ON headgate.profiles USING btree (account, region, connector_type, connector_label, name) WHERE (connector_label IS NOT NULL);


--
-- Name: profiles_by_type; Type: INDEX; Schema: headgate; Owner: -
--

CREATE INDEX profiles_by_type ON headgate.profiles USING btree (account, region, connector_type, name) WHERE (connector_type <> ''::text);


--
-- Name: profiles_pending; Type: INDEX; Schema: headgate; Owner: -
--

CREATE INDEX profiles_pending ON headgate.profiles USING btree (account, region, name) WHERE (provisioning_status = 'PENDING'::text);


--
-- PostgreSQL database dump complete
--


